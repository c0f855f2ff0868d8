import type { KeyvStorageAdapter, KeyvStorageCapability, KeyvStorageEntry } from 'keyv'
import { quote, StoreError } from '../src/errors.ts'
import type { Store } from '../src/store.ts'
import { checkStore } from './check-store.ts'

/** A storage adapter of Keyv 6 over a store. */
export type KeyvStore<V = unknown> = KeyvStorageAdapter & {
  /** The store, for atomic steps: Keyv has none of its own. */
  readonly store: Store<Record<string, V>>
}

const METHOD = { exists: true, methodType: 'async' } as const

/** With `expires`, Keyv uses the adapter as it is, and gives it times of expiry. */
const CAPABILITIES: KeyvStorageCapability = {
  compatible: true,
  store: 'keyvStorage',
  expires: true,
  methods: {
    get: METHOD,
    getMany: METHOD,
    has: METHOD,
    hasMany: METHOD,
    set: METHOD,
    setMany: METHOD,
    delete: METHOD,
    deleteMany: METHOD,
    clear: METHOD,
    iterator: { exists: true, methodType: 'sync' },
    disconnect: { exists: false, methodType: 'none' },
  },
}

/** The namespace that Keyv 5 sets if it is given none. */
const KEYV_5_NAMESPACE = 'keyv'

/** The events that the type of an adapter has. This one emits none: an error rejects its call. */
const NO_EVENTS = {
  on: returnThis,
  once: returnThis,
  off: returnThis,
  addListener: returnThis,
  removeListener: returnThis,
  removeAllListeners: returnThis,
  prependListener: returnThis,
  prependOnceListener: returnThis,
  emit: () => false,
  eventNames: () => [],
  listeners: () => [],
  rawListeners: () => [],
  listenerCount: () => 0,
}

function returnThis(this: KeyvStorageAdapter): KeyvStorageAdapter {
  return this
}

/**
 * Creates a storage adapter of Keyv 6. The namespace of the store is Keyv's namespace, and the keys
 * are stored without a prefix. The store enforces expiry to the millisecond. `disconnect()` of Keyv
 * leaves the store open.
 *
 * @param store holds nothing else, since Keyv chooses the keys and `clear()` removes all of them
 * @throws StoreError `NOT_ATOMIC` if the store's backend has no atomic steps; `INVALID_VALUE` if it
 * is no store. Setting another namespace throws `INVALID_VALUE`. The methods reject with the
 * store's errors; Keyv passes them on if it has no listener for `error`.
 *
 * @see https://keyv.org/docs/keyv/#storage-adapter-contract-v6
 *
 * @example
 * const keyv = new Keyv({ store: keyvStore(await runtime.open('cache')), checkExpired: false })
 */
export function keyvStore<V>(store: Store<Record<string, V>>): KeyvStore<V> {
  const name = checkStore(store, { caller: 'keyvStore' }).namespace
  return {
    ...NO_EVENTS,
    store,
    capabilities: CAPABILITIES,
    get namespace() {
      return name
    },
    // Keyv sets it in the constructor. Of two instances that share an adapter, the last would win.
    set namespace(namespace: string | undefined) {
      if (!namespace || namespace === name) return
      const cause =
        namespace === KEYV_5_NAMESPACE
          ? ' Keyv 5 sets this itself, and botshelf/keyv needs Keyv 6.'
          : ''
      throw new StoreError(
        'INVALID_VALUE',
        `The namespace of Keyv must be that of the store; received ${quote(namespace)}.${cause} Open a store for each namespace: keyvStore(await runtime.open(${quote(namespace)})).`,
        { namespace: name },
      )
    },
    get: async <Value>(key: string) => (await store.get(key)) as Value | undefined,
    getMany: async <Value>(keys: string[]) => {
      const values = await store.getMany(keys)
      return keys.map((key) => values.get(key) as Value | undefined)
    },
    has: async (key) => store.has(key),
    hasMany: async (keys) => Promise.all(keys.map((key) => store.has(key))),
    set: async (key, value, expires) => {
      await store.set(key, value as V, { expires })
      return true
    },
    setMany: async <Value>(entries: KeyvStorageEntry<Value>[]) => {
      await store.setMany(
        entries.map(({ key, value, expires }) => [key, value as unknown as V, { expires }]),
      )
      return entries.map(() => true)
    },
    delete: async (key) => (await store.pop(key)) !== undefined,
    deleteMany: async (keys) => {
      if (keys.length === 0) return []
      return store.transaction(keys, (tx) =>
        keys.map((key) => {
          const isFound = tx.has(key)
          if (isFound) tx.delete(key)
          return isFound
        }),
      )
    },
    clear: async () => store.clear(),
    async *iterator<Value>() {
      yield* store.entries() as AsyncGenerator<[string, Awaited<Value>], void>
    },
  }
}
