import {
  BrokenPlugin,
  entryOf,
  patchWrites,
  removeTransact,
  testBrokenStorages,
} from './broken-plugin.ts'

testBrokenStorages([
  {
    fault: 'compares the value instead of the version',
    rule: 'atomic/recreated-during-update',
    create: () => {
      const valueOfVersion = new Map<string, unknown>()
      return new BrokenPlugin(
        patchWrites(async (change, original) => {
          const entry = entryOf(change)
          if (entry) valueOfVersion.set(entry.version, entry.value)
          const now = await original.get(change.key)
          const expected = change.ifVersion ? valueOfVersion.get(change.ifVersion) : undefined
          const isEqual =
            now !== undefined && expected !== undefined && Object.is(now.value, expected)
          return isEqual ? { ...change, ifVersion: now.version } : change
        }),
      )
    },
  },
  {
    fault: 'keeps the old version when a change has no condition',
    rule: 'atomic/set-during-updates',
    create: () =>
      new BrokenPlugin(
        patchWrites(async (change, original) => {
          const entry = entryOf(change)
          const now =
            entry && change.ifVersion === undefined ? await original.get(change.key) : undefined
          return now && entry ? { ...change, entry: { ...entry, version: now.version } } : change
        }),
      ),
  },
  {
    fault: 'acknowledges a write before it is stored',
    rule: 'order/read-across-stores',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = async (groups) => {
          setTimeout(() => void original.commit(groups), 1)
          return groups.map(() => 'applied' as const)
        }
        removeTransact(storage)
      }),
  },
])
