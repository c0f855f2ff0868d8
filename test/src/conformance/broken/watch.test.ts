import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import type { StorageBase, StorageListener } from '../../../../src/index.ts'
import { BrokenPlugin, type Patch, removeTransact, testBrokenStorages } from './broken-plugin.ts'

/** Reports changes before they are committed, including those that fail. */
class EarlyReportsPlugin extends MemoryStoragePlugin {
  readonly #listeners = new Set<StorageListener>()

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const original = await super.open(namespace)
    storage.watch = (listener) => {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    }
    storage.commit = async (groups) => {
      for (const change of groups.flat()) {
        const kind = 'entry' in change ? 'set' : 'remove'
        for (const listener of this.#listeners) listener({ kind, key: change.key })
      }
      await sleep(10)
      return original.commit(groups)
    }
    removeTransact(storage)
    return storage
  }
}

/** Puts a function between the storage and each of its listeners. */
function patchWatch(
  report: (change: Parameters<StorageListener>[0], listener: StorageListener) => void,
): Patch {
  return (storage, original) => {
    storage.watch = (listener) =>
      original.watch?.((change) => report(change, listener)) ?? ((): void => {})
  }
}

testBrokenStorages([
  {
    fault: 'claims to report changes and cannot',
    rule: 'watch/trait',
    create: () =>
      new BrokenPlugin((storage) => Object.defineProperty(storage, 'watch', { value: undefined })),
  },
  {
    fault: 'reports changes without the function that makes watches of them',
    rule: 'watch/trait',
    create: () =>
      new BrokenPlugin((storage) =>
        Object.defineProperty(storage, 'createWatch', { value: undefined }),
      ),
  },
  {
    fault: 'reports changes and claims that it cannot',
    rule: 'watch/trait',
    create: () =>
      new BrokenPlugin((storage) =>
        Object.defineProperty(storage, 'traits', { value: { ...storage.traits, watch: false } }),
      ),
  },
  {
    fault: 'reports every change as a set',
    rule: 'watch/every-change',
    create: () =>
      new BrokenPlugin(
        patchWatch((change, listener) => {
          listener({ kind: 'set', key: ('key' in change && change.key) || '' })
        }),
      ),
  },
  {
    fault: 'does not report clear()',
    rule: 'watch/last-change-per-key',
    create: () =>
      new BrokenPlugin(
        patchWatch((change, listener) => {
          if (change.kind !== 'clear') listener(change)
        }),
      ),
  },
  {
    fault: 'reports only its own changes',
    rule: 'watch/every-change',
    create: () =>
      new BrokenPlugin((storage, original) => {
        let running = 0
        storage.commit = async (groups) => {
          running++
          try {
            return await original.commit(groups)
          } finally {
            running--
          }
        }
        removeTransact(storage)
        storage.watch = (listener) =>
          original.watch?.((change) => {
            if (running > 0) listener(change)
          }) ?? ((): void => {})
      }),
  },
  {
    fault: 'reports groups that were not applied',
    rule: 'watch/applied-groups',
    create: () => new EarlyReportsPlugin(),
  },
  {
    fault: 'reports changes to a stopped listener',
    rule: 'watch/applied-groups',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.watch = (listener) => {
          original.watch?.(listener)
          return () => {}
        }
      }),
  },
  {
    fault: 'reports the changes of every namespace',
    rule: 'watch/own-namespace-only',
    create: () => {
      const listeners = new Set<StorageListener>()
      return new BrokenPlugin((storage, original) => {
        original.watch?.((change) => {
          for (const listener of listeners) listener(change)
        })
        storage.watch = (listener) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        }
      })
    },
  },
  {
    fault: 'does not report keys that clear({ prefix }) removes',
    rule: 'watch/prefix',
    create: () =>
      new BrokenPlugin(
        patchWatch((change, listener) => {
          if (change.kind !== 'remove') listener(change)
        }),
      ),
  },
  {
    fault: 'reports no change during a listing',
    rule: 'watch/initial',
    create: () =>
      new BrokenPlugin((storage, original) => {
        let isListing = false
        storage.entries = async function* entries(options) {
          isListing = true
          try {
            yield* original.entries(options)
          } finally {
            isListing = false
          }
        }
        storage.watch = (listener) =>
          original.watch?.((change) => {
            if (!isListing) listener(change)
          }) ?? ((): void => {})
      }),
  },
  {
    fault: 'reports changes before it applies them',
    rule: 'watch/values',
    create: () => new EarlyReportsPlugin(),
  },
])
