import type { StorageAdapter } from 'grammy'
import { checkOptions, DURATION } from '../../src/arguments.ts'
import type { Store } from '../../src/store.ts'
import { checkStore } from '../check-store.ts'

/**
 * Creates a storage adapter for grammY's own `session()` and its plugins. grammY reads and writes in
 * two calls, so two updates of a chat at the same time can lose a change; the `session` of this bridge does not.
 *
 * @param options `ttl`: time to live after each write, in milliseconds; more than 0. Default: forever
 * @throws StoreError `INVALID_VALUE` if it is no store or the option is wrong. The methods reject with
 * the store's errors.
 *
 * @see https://grammy.dev/plugins/session#storage-adapters
 */
export function storageAdapter<S>(
  store: Store<Record<string, S>>,
  options?: { readonly ttl?: number | undefined },
): Required<StorageAdapter<S>> {
  checkStore(store, { caller: 'storageAdapter', isAtomic: false })
  const { ttl } = checkOptions<{ ttl: number | undefined }>(
    options,
    { ttl: DURATION },
    store.namespace,
  )
  return {
    read: async (key) => store.get(key),
    write: async (key, value) => store.set(key, value, { ttl }),
    delete: async (key) => {
      await store.delete(key)
    },
    has: async (key) => store.has(key),
    readAllKeys: () => store.keys(),
    readAllValues: () => store.values(),
    readAllEntries: () => store.entries(),
  }
}
