import { BOOLEAN, checkOptions, DURATION } from '../src/arguments.ts'
import type { Store } from '../src/store.ts'
import { recopy } from '../src/value/copy-value.ts'
import { checkStore } from './check-store.ts'
import { cloneValue } from './clone-value.ts'
import { markChanges, mergeChanges } from './web-storage/merge-changes.ts'

/** The options of {@link webStorage}. */
export interface WebStorageOptions {
  /** Time to live in milliseconds after the last write; more than 0. Default: keys never expire. */
  readonly ttl?: number | undefined
  /**
   * Whether a write stores only the fields that changed since `getItem` or `setItem` of this storage
   * last had the key, so that the changes of others to other fields stay. Fields are compared three
   * levels deep: `state.counts.ann` is one. What is no plain object is written whole. Default: false,
   * and a write replaces the whole value
   */
  readonly merge?: boolean | undefined
}

/** A storage as zustand, TanStack Query, TanStack AI, redux-persist and Astro take it. */
export interface WebStorage<V> {
  /** Reads a value. Resolves to `null` if the key is missing or has expired. */
  readonly getItem: (key: string) => Promise<V | null>
  /** Stores a value. */
  readonly setItem: (key: string, value: V) => Promise<void>
  /** Removes a key. It succeeds if there is none. */
  readonly removeItem: (key: string) => Promise<void>
  /** Reads all keys with their values, in ascending order. */
  readonly entries: () => Promise<[key: string, value: V][]>
}

/**
 * Creates a storage with the methods `getItem`, `setItem` and `removeItem`, which need no `this`.
 * Values are those of the store, so a library that takes objects needs no JSON.
 *
 * @param store holds nothing else, since the library chooses the keys. The type of its values is the
 * type that the library stores: text, or an object.
 * @throws StoreError `INVALID_VALUE` if `store` is no store or an option is wrong; `NOT_ATOMIC` with
 * `merge` if the store's backend has no atomic steps. The methods reject with the store's errors.
 *
 * @see https://zustand.docs.pmnd.rs/reference/middlewares/persist
 * @see https://docs.astro.build/en/guides/sessions/
 *
 * @example
 * const store = await runtime.open<Record<string, StorageValue<State>>>('ui')
 * const useStore = create(persist(initializer, { name: 'app', storage: webStorage(store) }))
 */
export function webStorage<V>(
  store: Store<Record<string, V>>,
  options?: WebStorageOptions,
): WebStorage<V> {
  const { namespace } = checkStore(store, { caller: 'webStorage', isAtomic: false })
  const types = { ttl: DURATION, merge: BOOLEAN }
  const { ttl, merge = false } = checkOptions<WebStorageOptions>(options, types, namespace)
  checkStore(store, { caller: 'webStorage', isAtomic: merge })
  const expiry = ttl === undefined ? { expires: null } : { ttl }
  return {
    ...(merge ? createMerging(store, expiry) : createReplacing(store, expiry)),
    entries: async () => {
      const entries: [key: string, value: V][] = []
      for await (const entry of store.entries()) entries.push(entry)
      return entries
    },
  }
}

type Methods<V> = Omit<WebStorage<V>, 'entries'>
type Expiry = { readonly ttl: number } | { readonly expires: null }

function createReplacing<V>(store: Store<Record<string, V>>, expiry: Expiry): Methods<V> {
  let writes = 0
  return {
    getItem: async (key) => {
      for (;;) {
        const before = writes
        const value = await store.get(key)
        // A write by this storage during the read may be missing in its result.
        if (writes === before) return value ?? null
      }
    },
    setItem: async (key, value) => {
      writes++
      await store.set(key, value, expiry)
    },
    removeItem: async (key) => {
      writes++
      await store.delete(key)
    },
  }
}

/** Creates methods that write the fields that the library has changed. */
function createMerging<V>(store: Store<Record<string, V>>, expiry: Expiry): Methods<V> {
  /** What the library last read or wrote under each key: its next value is a change of that. */
  const known = new Map<string, unknown>()
  return {
    getItem: async (key) => {
      for (;;) {
        const before = known.get(key)
        const value = await store.get(key)
        if (known.get(key) !== before) continue // As above.
        known.set(key, recopy(value))
        return value ?? null
      }
    },
    setItem: async (key, value) => {
      const base = known.get(key)
      const mine = cloneValue(value, { namespace: store.namespace, key })
      // Until this write has succeeded, the next ones include its changes.
      const pending = markChanges(base, mine)
      known.set(key, pending)
      const merge = (stored: V): V => mergeChanges(base, mine, stored) as V
      await store.update(key, (stored) => (stored === undefined ? mine : merge(stored)), expiry)
      if (known.get(key) === pending) known.set(key, mine)
    },
    removeItem: async (key) => {
      known.delete(key)
      await store.delete(key)
    },
  }
}
