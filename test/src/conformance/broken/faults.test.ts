import {
  type Change,
  type CommitResult,
  type StorageBase,
  StoreError,
} from '../../../../src/index.ts'
import {
  BrokenPlugin,
  type BrokenStorage,
  entryOf,
  removeTransact,
  testBrokenStorages,
} from './broken-plugin.ts'

/** Stores unconditional groups with `set`, whose calls may fail; `onError` says what it answers then. */
function commitBySet(
  storage: StorageBase,
  original: StorageBase,
  onError: (error: unknown) => CommitResult,
): void {
  storage.set = (key, entry) => original.set(key, entry)
  const commitGroup = async (group: readonly Change[]): Promise<CommitResult> => {
    const [change] = group
    const entry = change && entryOf(change)
    if (group.length > 1 || !entry || change.ifVersion !== undefined) {
      const [result] = await original.commit([group])
      return result ?? 'conflict'
    }
    try {
      await storage.set(change.key, entry)
      return 'applied'
    } catch (error) {
      return onError(error)
    }
  }
  storage.commit = (groups) => Promise.all(groups.map(commitGroup))
  removeTransact(storage)
}

function notApplied(): StoreError {
  return new StoreError('CONNECTION_LOST', 'gone', { outcome: 'not-applied' })
}

const STORAGES: readonly BrokenStorage[] = [
  {
    fault: 'acknowledges a write that was rejected',
    rule: 'faults/reject-before',
    create: () =>
      new BrokenPlugin((storage, original) => commitBySet(storage, original, () => 'applied')),
  },
  {
    fault: 'says not-applied of a write whose answer it lost',
    rule: 'faults/reject-after',
    create: () =>
      new BrokenPlugin((storage, original) => commitBySet(storage, original, notApplied)),
  },
  {
    fault: 'says not-applied of a write that it has started',
    rule: 'faults/throw-after',
    create: () =>
      new BrokenPlugin((storage, original) => commitBySet(storage, original, notApplied)),
  },
  {
    fault: 'forgets its entries when a call times out',
    rule: 'faults/never',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.onTimeout = () => void original.clear()
      }),
  },
  {
    fault: 'cannot be closed after a call that was late',
    rule: 'faults/late',
    create: () =>
      new BrokenPlugin((storage) => {
        storage.onTimeout = () => {
          storage.close = () => Promise.reject(new Error('the connection was dropped'))
        }
      }),
  },
  {
    fault: 'takes an answer that is no Map for an empty one',
    rule: 'faults/rubbish',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.transact = async (keys, apply, options) => {
          const found: unknown = await storage.getMany(keys)
          return original.commit(apply(found instanceof Map ? found : new Map()), options)
        }
      }),
  },
  {
    fault: 'acknowledges a transaction of which a part was written',
    rule: 'faults/in-part',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.transact = async (keys, apply, options) => {
          const groups = apply(await original.getMany(keys))
          await storage.commit(groups, options)
          return groups.map(() => 'applied')
        }
      }),
  },
  {
    fault: 'takes a write that it receives twice for a failed one, and undoes it',
    rule: 'faults/twice',
    create: () => {
      const versions = new Set<string>()
      return new BrokenPlugin((storage, original) => {
        storage.commit = async (groups, options) => {
          const results = await original.commit(groups, options)
          for (const change of groups.flat()) {
            const version = entryOf(change)?.version
            if (version === undefined) continue
            if (versions.has(version)) await original.remove(change.key)
            versions.add(version)
          }
          return results
        }
        removeTransact(storage)
      })
    },
  },
  {
    fault: 'starts a call that it does not await, in an async function',
    rule: 'faults/throw-before',
    create: () =>
      new BrokenPlugin((storage, original) => {
        const update = async (): Promise<void> => {
          await original.len()
          await storage.remove('index')
        }
        storage.remove = (key) => original.remove(key)
        storage.commit = async (groups) => {
          void update()
          return original.commit(groups)
        }
        removeTransact(storage)
      }),
  },
]

// One after another: a rejection that is not handled belongs to no case, and the load of many runs
// delays the time limits.
for (const storage of STORAGES) testBrokenStorages([storage])
