import { type Change, type CommitResult, type Entry, SyncAccess } from '../../../../src/index.ts'
import { BrokenPlugin, type BrokenStorage, testBrokenStorages } from './broken-plugin.ts'

interface Methods {
  readonly get: (key: string) => Entry | undefined
  readonly commit: (group: readonly Change[], now: number) => CommitResult
}

/** A storage whose synchronous access has other methods than that of Memory. */
function broken(
  rule: string,
  fault: string,
  change: (methods: Methods) => Partial<Methods>,
): BrokenStorage {
  const create = (): BrokenPlugin =>
    new BrokenPlugin((storage) => {
      const { sync } = storage
      if (!sync) throw new Error('Memory must have synchronous access.')
      const methods: Methods = {
        get: (key) => sync.get(key),
        commit: (group, now) => (sync.commit(group, now) ? 'applied' : 'conflict'),
      }
      const value = new SyncAccess({ ...methods, ...change(methods) })
      Object.defineProperty(storage, 'sync', { value })
    })
  return { rule, fault, create }
}

const withoutCondition = (change: Change): Change => ({ ...change, ifVersion: undefined }) as Change

testBrokenStorages([
  broken('sync/get', 'returns a promise of an entry', ({ get }) => ({
    get: (async (key: string) => get(key)) as never,
  })),
  broken('sync/get', 'returns null for a missing key', ({ get }) => ({
    get: (key) => get(key) ?? (null as never),
  })),
  broken('sync/get', 'returns the entry that it keeps', ({ get }) => {
    const kept = new Map<string, Entry | undefined>()
    return {
      get: (key) => {
        const entry = kept.get(key) ?? get(key)
        kept.set(key, entry)
        return entry
      },
    }
  }),
  broken('sync/commit', 'ignores conditions', ({ commit }) => ({
    commit: (group, now) => commit(group.map(withoutCondition), now),
  })),
  broken('sync/commit', 'ignores the time', ({ commit }) => ({
    commit: (group) => commit(group, -Infinity),
  })),
  broken('sync/commit', 'returns a promise of the result', ({ commit }) => ({
    commit: (async (...args: [readonly Change[], number]) => commit(...args)) as never,
  })),
  broken('sync/commit', 'fails after it has applied a group', ({ commit }) => ({
    commit: (group, now): CommitResult => {
      commit(group, now)
      throw new Error('The connection was lost.')
    },
  })),
  broken('sync/commit', 'applies the changes of a group one by one', ({ commit }) => ({
    commit: (group, now) =>
      group.map((change) => commit([change], now)).find((result) => result !== 'applied') ??
      'applied',
  })),
  broken('sync/commit', 'removes the keys that it only checks', ({ commit }) => ({
    commit: (group, now) => {
      const result = commit(group, now)
      const checked = group.filter((change) => 'check' in change)
      if (result === 'applied')
        commit(
          checked.map(({ key }) => ({ key, remove: true })),
          now,
        )
      return result
    },
  })),
  {
    fault: 'claims that it copies values and keeps those that it received',
    rule: 'atomic/update-result',
    create: () =>
      new BrokenPlugin((storage) =>
        Object.defineProperty(storage, 'copiesValues', { value: true }),
      ),
  },
])
