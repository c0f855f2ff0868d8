import {
  BrokenPlugin,
  entryOf,
  type Patch,
  patchReads,
  removeTransact,
  testBrokenStorages,
} from './broken-plugin.ts'

/** What is known about one entry of a group when its expiry is chosen. */
interface GroupEntry {
  /** When the first entry of the group expires. */
  readonly first: number | undefined
  /** The position of the entry in its group. */
  readonly index: number
}

/** Replaces the expiry of every entry of a group. */
function patchExpiry(choose: (entry: GroupEntry) => number | undefined): Patch {
  return (storage, original) => {
    storage.commit = (groups) =>
      original.commit(
        groups.map((group) => {
          const first = group.map(entryOf).find((entry) => entry !== undefined)?.expires
          return group.map((change, index) => {
            if (!('entry' in change)) return change
            const { expires: _, ...entry } = change.entry
            const expires = choose({ first, index })
            return { ...change, entry: expires === undefined ? entry : { ...entry, expires } }
          })
        }),
      )
    removeTransact(storage)
  }
}

testBrokenStorages([
  {
    fault: 'lists entries without their expiry',
    rule: 'expiry/expires-option',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.entries = async function* entries(options) {
          for await (const [key, { value, version }] of original.entries(options))
            yield [key, { value, version }]
        }
      }),
  },
  {
    fault: 'rounds an expiry up to whole seconds',
    rule: 'expiry/expires-option',
    create: () =>
      new BrokenPlugin(
        patchReads(({ expires, ...entry }) =>
          expires === undefined ? entry : { ...entry, expires: Math.ceil(expires / 1000) * 1000 },
        ),
      ),
  },
  {
    fault: 'gives all entries of a group the expiry of the first',
    rule: 'expiry/set-many-per-entry',
    create: () => new BrokenPlugin(patchExpiry(({ first }) => first)),
  },
  {
    fault: 'keeps only the expiry of the first entry of a group',
    rule: 'expiry/set-many-per-entry',
    create: () =>
      new BrokenPlugin(patchExpiry(({ first, index }) => (index === 0 ? first : undefined))),
  },
])
