import type { Driver, StorageValue, TransactionOptions, WatchCallback } from 'unstorage'
import type { WriteOptions } from '../../src/arguments.ts'
import { noop } from '../../src/async.ts'
import type { Store } from '../../src/store.ts'
import { checkStore } from '../check-store.ts'
import { cloneValue } from '../clone-value.ts'
import { toMeta, toWriteOptions } from './ttl.ts'
import { watchStore } from './watch-store.ts'

/** A driver of unstorage over a store, with every method that unstorage may call. */
export interface StoreDriver<I> extends Required<Omit<Driver, 'options' | 'watch'>> {
  /** Returns the store, for the atomic steps that unstorage does not have. */
  readonly getInstance: () => I
  /** Only on a store that is open already and whose `traits.watch` is true. */
  readonly watch?: NonNullable<Driver['watch']>
}

/**
 * Creates a driver of unstorage from a store. It fits unstorage 1.17 and 2.
 *
 * - `ttl` of `setItem`, `setItemRaw` and `setItems` is in seconds; 0 means that the key never
 *   expires, as in unstorage's drivers for Redis and Workers KV. `getMeta` has what remains, by `Date.now()`.
 * - `setItems` stores all items or none where `traits.atomic` is not `none`.
 * - `watch` reports the changes of every client. Without it unstorage reports the calls of
 *   `setItem`, `setItemRaw` and `removeItem` of its own.
 * - `dispose` ends the watches. It closes a store that the driver has opened, and no other.
 *
 * @param source the store, or a function that opens it, which the driver calls when it first needs
 * the store and again after it failed or after `dispose`. The store holds nothing else, since
 * unstorage chooses the keys.
 * @throws StoreError `INVALID_VALUE` if it is neither. The methods reject with the store's errors,
 * and with `INVALID_VALUE` for a `ttl` that is negative or no number. Bad input rejects before the
 * store is opened.
 *
 * @see https://unstorage.unjs.io/guide/custom-driver
 *
 * @example
 * const storage = createStorage({ driver: unstorageDriver(await runtime.open('app')) })
 * storage.mount('bot', unstorageDriver(() => runtime.open('bot')))
 */
export function unstorageDriver<T extends object>(source: Store<T>): StoreDriver<Store<T>>
export function unstorageDriver<T extends object>(
  source: () => Promise<Store<T>>,
): StoreDriver<Promise<Store<T>>>
export function unstorageDriver(
  source: Store | (() => Promise<Store>),
): StoreDriver<Store | Promise<Store>> {
  const given = typeof source === 'function' ? undefined : check(source)
  let opened: Promise<Store> | undefined
  const open = async (): Promise<Store> => check(await (source as () => Promise<Store>)())
  const getOpened = (): Promise<Store> => {
    const opening = (opened ??= open())
    // The callers receive the error.
    opening.catch(() => {
      if (opened === opening) opened = undefined
    })
    return opening
  }
  const use = async <R>(run: (store: Store) => Promise<R>): Promise<R> =>
    run(given ?? (await getOpened()))
  // Checks and copies what is written at the time of the call, also where the store opens later. An
  // open store does so itself with the value.
  const toWrite = (
    key: string,
    value: unknown,
    options?: TransactionOptions,
  ): [key: string, value: unknown, options: WriteOptions] => {
    const location = { namespace: given?.namespace, key }
    const writeOptions = toWriteOptions(location, options)
    return [key, given ? value : cloneValue(value, location), writeOptions]
  }
  const set = async (key: string, value: unknown, options?: TransactionOptions): Promise<void> => {
    const write = toWrite(key, value, options)
    return use(async (store) => store.set(...write))
  }
  let watching = new AbortController()
  return {
    name: 'botshelf',
    flags: { ttl: true },
    getInstance: () => given ?? getOpened(),
    hasItem: async (key) => use(async (store) => store.has(key)),
    getItem: async (key) => use(async (store) => toItem(await store.get(key))),
    getItemRaw: async (key) => use(async (store) => toItem(await store.get(key))),
    getItems: async (items) =>
      use(async (store) => {
        const found = await store.getMany(items.map(({ key }) => key))
        return items.map(({ key }) => ({ key, value: toItem(found.get(key)) }))
      }),
    setItem: set,
    // A Buffer, which Node has for files and HTTP bodies, is no storable value: it is of a subclass.
    setItemRaw: async (key, value: unknown, options) =>
      set(key, value instanceof Uint8Array ? new Uint8Array(value) : value, options),
    // unstorage has merged the options of the call into those of each item.
    setItems: async (items) => {
      const writes = items.map(({ key, value, options }) => toWrite(key, value, options))
      await use(async (store) => {
        if (store.traits.atomic !== 'none') await store.setMany(writes)
        else await Promise.all(writes.map(async (write) => store.set(...write)))
      })
    },
    removeItem: async (key) => use(async (store) => store.delete(key)),
    getMeta: async (key) => use(async (store) => toMeta(await store.record(key))),
    getKeys: async (base) =>
      use(async (store) => {
        const keys: string[] = []
        for await (const key of store.keys({ prefix: toPrefix(base) })) keys.push(key)
        return keys
      }),
    clear: async (base) => use(async (store) => store.clear({ prefix: toPrefix(base) })),
    dispose: async () => {
      watching.abort()
      watching = new AbortController()
      const closing = opened
      opened = undefined
      const store = await closing?.catch(noop)
      await store?.[Symbol.asyncDispose]()
    },
    ...(given?.traits.watch && {
      watch: async (callback: WatchCallback) => watchStore(given, callback, watching.signal),
    }),
  }
}

function check(store: Store): Store {
  return checkStore(store, { caller: 'unstorageDriver', isAtomic: false })
}

/** Converts a value of the store to what unstorage expects of a driver. */
function toItem(value: unknown): StorageValue {
  return value ?? null
}

/** Ends a base with the separator, so that `users` does not select `users-archive`. */
function toPrefix(base: string | undefined): string {
  return !base || base.endsWith(':') ? (base ?? '') : `${base}:`
}
