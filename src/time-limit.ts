// Every call to a backend has a time limit, so that nothing waits for a backend that never answers.

import { noop } from './async.ts'
import { wrongReply } from './backend-reply.ts'
import { StoreError } from './errors.ts'
import { intercept, LISTINGS } from './intercept.ts'
import { type Listing, listPages, pagesOf } from './listing.ts'
import type { StorageBase, StoragePluginBase } from './storage.ts'

/** The limit unless the runtime or its configuration sets one. */
export const DEFAULT_TIME_LIMIT_MS = 30_000

/** A call with more keys has the limit once more for each further hundred. */
const KEYS_PER_LIMIT = 100

/** The longest delay of `setTimeout`. A longer one fires immediately. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** Calls `expire` when twice a time has passed. Returns the function that stops it. */
type StartTimer = (halfMs: number, expire: () => void) => () => void

/**
 * Creates timers that share one of the platform, since setting and clearing one takes as long as a
 * small read. If that runs already, a timer expires up to `halfMs` late.
 *
 * @param halfMs the half time of the shortest one; that of each is a multiple of it
 * @param isLast whether no timer follows
 */
function shareTimer(halfMs: number, isLast: () => boolean): StartTimer {
  const waiting = new Map<() => void, number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let startedAt = 0
  const start = (): void => {
    startedAt = performance.now()
    try {
      // After a page was frozen, both ticks would be overdue. The second follows half a time later.
      timer = setTimeout(tick, halfMs)
    } catch {
      // A Worker has no timers in its global scope.
    }
  }
  const tick = (): void => {
    for (const [expire, ticks] of waiting) {
      if (ticks > 1) waiting.set(expire, ticks - 1)
      else {
        waiting.delete(expire)
        expire()
      }
    }
    timer = undefined
    if (waiting.size > 0) start()
  }
  return (ownHalfMs, expire) => {
    // In a Worker, a timer ends with the request that has set it.
    if (timer !== undefined && performance.now() - startedAt > 2 * halfMs) {
      clearTimeout(timer)
      timer = undefined
    }
    waiting.set(expire, Math.ceil((2 * ownHalfMs) / halfMs) + (timer === undefined ? 0 : 1))
    if (timer === undefined) start()
    else if (waiting.size === 1) keepAlive(timer, true)
    return () => {
      if (!waiting.delete(expire) || waiting.size > 0 || timer === undefined) return
      if (isLast()) clearTimeout(timer)
      else keepAlive(timer, false)
    }
  }
}

/** Starts a timer that no other call shares. */
const startTimer: StartTimer = (halfMs, expire) => shareTimer(halfMs, () => true)(halfMs, expire)

/** Sets whether a timer lets a Node process go on. Other platforms return a number. */
function keepAlive(timer: unknown, isNeeded: boolean): void {
  const { ref, unref } = timer as { ref?: () => void; unref?: () => void }
  ;(isNeeded ? ref : unref)?.call(timer)
}

/**
 * Waits for a call to a backend.
 *
 * @param ms the limit, in milliseconds
 * @param count how many keys the call has: one with many may take longer
 * @throws StoreError `TIMEOUT`
 */
export function limitTime<T>(
  call: Promise<T> | T,
  ms: number,
  onTimeout: () => void = noop,
  count = 0,
  start: StartTimer = startTimer,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const limits = Math.max(1, Math.ceil(count / KEYS_PER_LIMIT))
    const halfMs = Math.min((ms / 2) * limits, MAX_DELAY_MS)
    const stop = start(halfMs, () => {
      const message = `The backend did not answer within ${2 * halfMs} ms. Repeat the call later, or raise operationTimeout.`
      reject(new StoreError('TIMEOUT', message))
      try {
        onTimeout()
      } catch {
        // An error in a timer would end a Node process.
      }
    })
    // An adapter may return what is no promise.
    const promise = Promise.resolve(call)
    promise.then(stop, stop)
    promise.then(resolve, reject)
  })
}

/** Limits the time of each page. */
function limitListing<T>(
  listing: Listing<T>,
  ms: number,
  onTimeout?: () => void,
  start?: StartTimer,
): Listing<T> {
  return listPages(() => {
    const iterator = pagesOf(listing)[Symbol.asyncIterator]()
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => limitTime(iterator.next(), ms, onTimeout, 0, start),
        async return() {
          await limitTime(iterator.return?.(), ms, onTimeout, 0, start)
          return { done: true, value: undefined }
        },
      }),
    }
  })
}

export const CLOSED_MESSAGE = 'The store was closed before the operation ran; open it again.'

/**
 * Returns the same storage with a time limit for each call.
 *
 * @param isSync whether no call does I/O, so that none needs a limit
 */
export function limitStorage(storage: StorageBase, ms: number, isSync: boolean): StorageBase {
  const drop = (): void => storage.onTimeout?.()
  // A call may wait for another one that has more keys, and more time.
  let largeCalls = 0
  const dropUnlessLarge = (): void => {
    if (largeCalls === 0) drop()
  }
  let isClosed = false
  const shared = shareTimer(Math.min(ms / 2, MAX_DELAY_MS), () => isClosed)
  return intercept(storage, (kind, method, args) => {
    // A call that waited longer than `close` did, such as a retry.
    if (isClosed) throw new StoreError('STORE_NOT_OPEN', CLOSED_MESSAGE)
    isClosed = kind === 'close'
    const result = method(...args)
    if (isSync) return result
    // What wraps a synchronous storage may run in a Worker, and in an object that is to hibernate.
    const isShared = storage.traits.batchAcrossTicks && !storage.sync
    const start = isShared ? shared : startTimer
    if (LISTINGS.includes(kind))
      return limitListing(result as Listing<unknown>, ms, dropUnlessLarge, start)
    const count = Array.isArray(args[0]) ? args[0].flat().length : 0
    if (count <= KEYS_PER_LIMIT) return limitTime(result, ms, dropUnlessLarge, 0, start)
    largeCalls++
    return limitTime(result, ms, drop, count, start).finally(() => largeCalls--)
  })
}

/** The methods of a plugin that call the backend. */
export type PluginCalls = Pick<StoragePluginBase, 'open' | 'namespaces' | 'drop'>

/**
 * Returns the methods of a plugin with a time limit for each call. A storage that opens too late is
 * closed.
 */
export function limitPlugin(plugin: StoragePluginBase, ms: number): PluginCalls {
  const { openTimeout = ms } = plugin
  return {
    async open(namespace, host) {
      const opening = Promise.resolve(plugin.open(namespace, host))
      const storage = await limitTime(opening, openTimeout, () => {
        opening.then((late) => late.close()).catch(noop)
      })
      const { commit, traits } = (storage ?? {}) as Partial<StorageBase>
      if (commit && traits) return storage
      throw wrongReply('a storage that extends StorageBase', storage)
    },
    async drop(namespace, host) {
      await limitTime(plugin.drop(namespace, host), openTimeout)
    },
    ...(plugin.namespaces && {
      namespaces: () => limitListing(plugin.namespaces?.() as Listing<string>, openTimeout),
    }),
  }
}
