// Every call to a backend has a time limit, so that nothing waits for a backend that never answers.

import { noop } from './async.ts'
import { wrongReply } from './backend-reply.ts'
import { StoreError } from './errors.ts'
import type { KeysOptions, StorageBase, StorageListener, StoragePluginBase } from './storage.ts'

/** The limit unless the runtime or its configuration sets one. */
export const DEFAULT_TIME_LIMIT_MS = 30_000

/** A call with more keys has the limit once more for each further thousand. */
const KEYS_PER_LIMIT = 1000

/**
 * Waits for a call to a backend.
 *
 * @param ms the limit, in milliseconds
 * @param items keys, or groups of changes: a call with many may take longer
 * @throws StoreError `TIMEOUT`
 */
export function limitTime<T>(
  call: Promise<T> | T,
  ms: number,
  onTimeout: () => void = noop,
  items: unknown = [],
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isSettled = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const settle = (): void => {
      isSettled = true
      if (timer !== undefined) clearTimeout(timer)
    }
    // Not `resolve`: an adapter may return what is no promise.
    const promise = Promise.resolve(call)
    promise.then(settle, settle)
    promise.then(resolve, reject)
    const expire = (): void => {
      const message = `The backend did not answer within ${ms} ms. Repeat the call later, or raise operationTimeout.`
      reject(new StoreError('TIMEOUT', message))
      onTimeout()
    }
    // Most calls without I/O have settled by then, and a timer would cost more than they do.
    queueMicrotask(() => {
      if (isSettled) return
      const count = Array.isArray(items) ? items.flat().length : 0
      const halfMs = (ms / 2) * Math.max(1, Math.ceil(count / KEYS_PER_LIMIT))
      try {
        // After a page was frozen, both would be overdue. The second starts when it runs again.
        timer = setTimeout(() => (timer = setTimeout(expire, halfMs)), halfMs)
      } catch {
        // A Worker has no timers in its global scope, and no I/O.
      }
    })
  })
}

/** Limits the time of each item. */
function limitListing<T>(
  listing: AsyncIterable<T>,
  ms: number,
  onTimeout?: () => void,
): AsyncIterable<T> {
  const iterator = listing[Symbol.asyncIterator]()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => limitTime(iterator.next(), ms, onTimeout),
      async return() {
        await limitTime(iterator.return?.(), ms, onTimeout)
        return { done: true, value: undefined }
      },
    }),
  }
}

type Call = (...args: readonly unknown[]) => unknown

/** Returns the same storage with a time limit for each call. After `close` it rejects all calls. */
export function limitStorage(storage: StorageBase, ms: number): StorageBase {
  let isClosed = false
  const onTimeout = (): void => storage.onTimeout?.()
  const target = storage as unknown as Readonly<Record<string, Call | undefined>>
  const limit = (name: string): Call | undefined =>
    target[name] &&
    ((...args) => {
      if (isClosed)
        throw new StoreError('STORE_NOT_OPEN', 'The store was closed before the operation ran.')
      isClosed = name === 'close'
      return limitTime(target[name]?.(...args), ms, onTimeout, args[0])
    })
  const limited: Readonly<
    Record<
      Exclude<keyof StorageBase, 'get' | 'set' | 'remove' | 'len' | 'keys' | 'onTimeout'>,
      unknown
    >
  > = {
    get traits() {
      return storage.traits
    },
    turns: storage.turns,
    watch: storage.watch && ((listener: StorageListener) => storage.watch?.(listener)),
    entries: (options?: KeysOptions) => limitListing(storage.entries(options), ms, onTimeout),
    liveKeys: (now: number, options?: KeysOptions) =>
      limitListing(storage.liveKeys(now, options), ms, onTimeout),
    getMany: limit('getMany'),
    commit: limit('commit'),
    transact: limit('transact'),
    perform: limit('perform'),
    liveLen: limit('liveLen'),
    clear: limit('clear'),
    clearPrefix: limit('clearPrefix'),
    close: limit('close'),
  }
  return limited as unknown as StorageBase
}

/**
 * Returns the same plugin with a time limit for each call. A storage that opens too late is closed.
 */
export function limitPlugin(plugin: StoragePluginBase, ms: number): StoragePluginBase {
  const { openTimeout = ms } = plugin
  const namespaces = plugin.namespaces?.bind(plugin)
  const limited: Pick<StoragePluginBase, 'open' | 'drop' | 'namespaces'> = {
    async open(namespace, host) {
      const opening = (async () => plugin.open(namespace, host))()
      const storage = await limitTime(opening, openTimeout, () => {
        opening.then((late) => late.close()).catch(noop)
      })
      const { getMany, commit, close, traits } = (storage ?? {}) as Partial<StorageBase>
      if (getMany && commit && close && traits) return storage
      throw wrongReply('a storage that extends StorageBase', storage)
    },
    drop: (namespace, host) => limitTime(plugin.drop(namespace, host), openTimeout),
    ...(namespaces && { namespaces: () => limitListing(namespaces(), ms) }),
  }
  return limited as StoragePluginBase
}
