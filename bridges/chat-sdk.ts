import type { StateAdapter } from 'chat'
import { checkOptions, FUNCTION } from '../src/arguments.ts'
import { noop } from '../src/async.ts'
import { StoreError } from '../src/errors.ts'
import type { Store } from '../src/store.ts'
import { checkLimit, unlessZero } from './chat-sdk/limits.ts'
import { QUEUE_RETENTION_MS, toJson, withoutStale } from './chat-sdk/queue.ts'
import { checkStore } from './check-store.ts'

/** The options of {@link chatState}. */
export interface ChatStateOptions {
  /**
   * Opens a store for the lock, the queue and the subscription of a thread, so that each thread has
   * a Durable Object of its own. Each call on one of them opens it and closes it at the end, so
   * return a new one of `runtime.open` each time. Chat also locks channels and, as
   * `chat:callback:…`, buttons. Default: all threads share one store.
   */
  readonly openThreadStore?: ((threadId: string) => Promise<Store>) | undefined
}

/**
 * Creates a state adapter for Chat SDK. Each method is one atomic step. Times to live are in
 * milliseconds; with 0 or none, a value never expires, and a list keeps its expiry. A `Date` stays a
 * `Date`; a queued message becomes JSON, from which Chat restores it.
 *
 * @param store holds nothing else, since Chat chooses the keys; `disconnect` does not close it
 * @throws StoreError `NOT_ATOMIC` if the store's backend has no atomic steps; `INVALID_VALUE` if it
 * is no store, or for an option. The methods reject with the store's errors, such as `INVALID_VALUE`
 * for a negative time to live, and with `STORE_NOT_OPEN` before `connect` and after `disconnect`.
 *
 * @see https://chat-sdk.dev/docs/state-adapters
 *
 * @example
 * const state = chatState(await runtime.open('chat'), {
 *   openThreadStore: (threadId) => runtime.open(`thread:${threadId}`),
 * })
 * const bot = new Chat({ userName: 'bot', adapters, state })
 */
export function chatState(store: Store, options?: ChatStateOptions): StateAdapter {
  const { namespace } = checkStore(store, { caller: 'chatState' })
  const { openThreadStore } = checkOptions<ChatStateOptions>(options, { openThreadStore: FUNCTION })
  let isConnected = false

  /** Runs a step on the store that holds what is of this kind. */
  async function run<T>(
    kind: 'value' | 'list' | 'lock' | 'queue' | 'subscription',
    id: string,
    step: (target: Store, key: string) => Promise<T>,
  ): Promise<T> {
    if (!isConnected) {
      const text =
        'The state must be connected; received a call before connect() or after disconnect(). Call "await chat.initialize()" first.'
      throw new StoreError('STORE_NOT_OPEN', text, { namespace })
    }
    const key = typeof id === 'string' ? `${kind}:${id}` : id // The store rejects other keys.
    const isShared = kind === 'value' || kind === 'list' || key === id
    if (!openThreadStore || isShared) return step(store, key)
    const caller = 'openThreadStore'
    const own = checkStore(await openThreadStore(id), { caller, isAtomic: false })
    if (!own.isOpen) {
      const text =
        'openThreadStore() must return an open store; received a closed one. The bridge closes the store after each call: return a new one of runtime.open() each time.'
      throw new StoreError('STORE_NOT_OPEN', text, { namespace: own.namespace })
    }
    try {
      return await step(checkStore(own, { caller }), key)
    } finally {
      // The step has its outcome: a lock or a message must not get lost by an error of closing.
      await own.close().catch(noop)
    }
  }

  return {
    connect: async () => void (isConnected = true),
    disconnect: async () => void (isConnected = false),
    get: async <T>(id: string) =>
      run('value', id, async (own, key) => ((await own.get(key)) ?? null) as T | null),
    set: (id, value, ttlMs) =>
      run('value', id, (own, key) => own.set(key, value, { ttl: unlessZero('ttlMs', ttlMs, own) })),
    setIfNotExists: (id, value, ttlMs) =>
      run('value', id, (own, key) =>
        own.insert(key, value, { ttl: unlessZero('ttlMs', ttlMs, own) }),
      ),
    delete: (id) => run('value', id, (own, key) => own.delete(key)),
    appendToList: (id, value, { maxLength, ttlMs } = {}) =>
      run('list', id, async (own, key) => {
        const max = unlessZero('maxLength', maxLength, own)
        await own.append(key, value, { max, ttl: unlessZero('ttlMs', ttlMs, own) })
      }),
    getList: async <T>(id: string) =>
      run('list', id, async (own, key) => ((await own.get(key)) ?? []) as T[]),

    acquireLock: async (threadId, ttlMs) => {
      const ttl = checkLimit('ttlMs', ttlMs, store) // Without one the lock would never expire.
      return run('lock', threadId, async (own, key) => {
        const lock = { threadId, token: crypto.randomUUID(), expiresAt: Date.now() + ttl }
        return (await own.insert(key, lock.token, { ttl })) ? lock : null
      })
    },
    releaseLock: ({ threadId, token }) =>
      run('lock', threadId, (own, key) =>
        own.transaction([key], (tx) => {
          if (tx.get(key) === token) tx.delete(key)
        }),
      ),
    extendLock: async ({ threadId, token }, ttlMs) => {
      const ttl = checkLimit('ttlMs', ttlMs, store)
      return run('lock', threadId, (own, key) =>
        own.transaction([key], (tx) => {
          if (tx.get(key) !== token) return false
          tx.set(key, token, { ttl })
          return true
        }),
      )
    },
    forceReleaseLock: (threadId) => run('lock', threadId, (own, key) => own.delete(key)),

    enqueue: async (threadId, entry, maxSize) => {
      const message = toJson(entry.message, { namespace, key: threadId })
      const expiresAt = checkLimit('entry.expiresAt', entry.expiresAt, store)
      const max = checkLimit('maxSize', maxSize, store)
      const ttl = Math.max(expiresAt - Date.now(), 0) + QUEUE_RETENTION_MS
      return run('queue', threadId, (own, key) =>
        own.append(key, { ...entry, message }, { max, ttl }),
      )
    },
    dequeue: (threadId) =>
      run('queue', threadId, (own, key) =>
        own.transaction([key], (tx) => {
          const queue = tx.record(key)
          const [next = null, ...rest] = withoutStale(queue?.value)
          if (rest.length > 0) tx.set(key, rest, { expires: queue?.expires })
          else if (queue) tx.delete(key)
          return next
        }),
      ),
    queueDepth: (threadId) =>
      run('queue', threadId, async (own, key) => withoutStale(await own.get(key)).length),
    subscribe: (threadId) => run('subscription', threadId, (own, key) => own.set(key, true)),
    unsubscribe: (threadId) => run('subscription', threadId, (own, key) => own.delete(key)),
    isSubscribed: (threadId) => run('subscription', threadId, (own, key) => own.has(key)),
  }
}
