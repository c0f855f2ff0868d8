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
    let timer: ReturnType<typeof setTimeout> | undefined | null
    const onSettled = (): void => {
      if (timer) clearTimeout(timer)
      timer = null
    }
    const start = (): void => {
      if (timer === null) return
      const count = Array.isArray(items) ? items.flat().length : 0
      const halfMs = (ms / 2) * Math.max(1, Math.ceil(count / KEYS_PER_LIMIT))
      const expire = (): void => {
        const message = `The backend did not answer within ${ms} ms. Repeat the call later, or raise operationTimeout.`
        reject(new StoreError('TIMEOUT', message))
        onTimeout()
      }
      try {
        // After a page was frozen, both would be overdue. The second starts when it runs again.
        timer = setTimeout(() => (timer = setTimeout(expire, halfMs)), halfMs)
      } catch {
        // A Worker has no timers in its global scope, and no I/O.
      }
    }
    // An adapter may return what is no promise.
    Promise.resolve(call).then(
      (value) => {
        onSettled()
        resolve(value)
      },
      (error: unknown) => {
        onSettled()
        reject(error)
      },
    )
    // If it has settled by then, it needs no timer.
    queueMicrotask(start)
  })
}

/** Limits the time of each item. */
function limitListing<T>(
  listing: AsyncIterable<T>,
  ms: number,
  onTimeout?: () => void,
): AsyncIterable<T> {
  const iterator = listing[Symbol.asyncIterator]()
  let result: IteratorResult<T> | undefined
  const setResult = (next: IteratorResult<T>): void => void (result = next)
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        result = undefined
        const call = iterator.next()
        call.then(setResult, noop)
        await Promise.resolve()
        // Most items come from a page that has been read, and need no limit, which is slower.
        return result ?? limitTime(call, ms, onTimeout)
      },
      async return() {
        await limitTime(iterator.return?.(), ms, onTimeout)
        return { done: true, value: undefined }
      },
    }),
  }
}

type Call = (...args: readonly unknown[]) => unknown

/** Returns the same storage with a time limit for each call that does I/O. */
export function limitStorage(storage: StorageBase, ms: number): StorageBase {
  const onTimeout = (): void => storage.onTimeout?.()
  const target = storage as unknown as Readonly<Record<string, Call | undefined>>
  const limit = (name: string): Call | undefined =>
    target[name] && ((...args) => limitTime(target[name]?.(...args), ms, onTimeout, args[0]))
  // Of the methods, those that the queue calls. It limits `close` itself.
  const limited = {
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
    close: () => storage.close(),
    onTimeout,
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
