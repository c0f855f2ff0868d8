import type { StateAdapter } from 'chat'
import { expect, test, vi } from 'vitest'
import { chatState } from '../../../bridges/chat-sdk.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { Store } from '../../../src/store.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'
import { deliver, startBot } from './bot.ts'
import { entryOf } from './state-cases.ts'

/** A client of a bot that has a store for each thread. */
interface Client {
  readonly runtime: StorageRuntime
  readonly state: StateAdapter
  readonly namespaceOf: (threadId: string) => string
}

/** The option `openThreadStore`. */
export function testThreadStores(backend: BridgeBackend): void {
  async function connectAll(count: number): Promise<readonly Client[]> {
    const bot = crypto.randomUUID()
    const namespaceOf = (threadId: string): string => `thread-${bot}:${threadId}`
    return Promise.all(
      Array.from({ length: count }, async () => {
        const runtime = new StorageRuntime(backend.createPlugin())
        const state = chatState(await runtime.open(`chat-${bot}`), {
          openThreadStore: async (threadId) => runtime.open(namespaceOf(threadId)),
        })
        await state.connect()
        return { runtime, state, namespaceOf }
      }),
    )
  }

  describeBridge('chat-sdk', backend, () => {
    test('openThreadStore: the lock, queue and subscription of a thread are in its store, values in the other', async () => {
      const [{ runtime, state, namespaceOf }] = (await connectAll(1)) as [Client]
      await state.set('thread', 1)
      await state.appendToList('thread', 1)
      const keysOf = async (threadId: string): Promise<readonly string[]> => {
        const store = await runtime.open(namespaceOf(threadId))
        const keys: string[] = []
        for await (const key of store.keys()) keys.push(key)
        await store.close()
        return keys.toSorted()
      }
      expect(await keysOf('thread')).toEqual([])
      await state.acquireLock('thread', 60_000)
      await state.enqueue('thread', entryOf('1'), 10)
      await state.subscribe('thread')
      expect(await keysOf('thread')).toEqual(['lock:thread', 'queue:thread', 'subscription:thread'])
      expect(await keysOf('')).toEqual([])
      await state.subscribe('')
      expect(await keysOf('')).toEqual(['subscription:'])
    })

    test('openThreadStore: every method works, for clients of their own', async () => {
      const clients = await connectAll(2)
      const [mine, yours] = clients.map(({ state }) => state) as [StateAdapter, StateAdapter]
      const lock = (await mine.acquireLock('thread', 60_000))!
      expect(await yours.acquireLock('thread', 60_000)).toBeNull()
      expect(await yours.acquireLock('other', 60_000)).not.toBeNull()
      expect(await mine.extendLock(lock, 60_000)).toBe(true)
      await yours.enqueue('thread', entryOf('1'), 10)
      expect(await mine.queueDepth('thread')).toBe(1)
      expect(await mine.queueDepth('other')).toBe(0)
      expect(await mine.dequeue('thread')).toMatchObject({ message: { id: '1' } })
      await mine.releaseLock(lock)
      expect(await mine.extendLock(lock, 60_000)).toBe(false)
      await yours.forceReleaseLock('other')
      expect(await mine.acquireLock('other', 60_000)).not.toBeNull()
      await mine.subscribe('thread')
      expect(await yours.isSubscribed('thread')).toBe(true)
      await yours.unsubscribe('thread')
      expect(await mine.isSubscribed('thread')).toBe(false)
    })

    test('openThreadStore: no store stays open after the messages of 20 threads', async () => {
      const [{ runtime, state, namespaceOf }] = (await connectAll(1)) as [Client]
      const bot = await startBot(state, { concurrency: 'queue' })
      const handled: string[] = []
      bot.chat.onNewMention(async (thread, { id }) => {
        handled.push(id)
        await thread.subscribe()
      })
      const threadIds = Array.from({ length: 20 }, (_, index) => `test:channel:${index}`)
      await Promise.all(
        threadIds.map(async (threadId) => deliver(bot, { id: threadId, text: 'hello', threadId })),
      )
      expect(handled.toSorted()).toEqual(threadIds.toSorted())
      expect(await state.isSubscribed(threadIds[19]!)).toBe(true)
      // drop() rejects with STORE_ALREADY_OPEN while a store of the namespace is open.
      await Promise.all(threadIds.map(async (threadId) => runtime.drop(namespaceOf(threadId))))
      expect(await state.isSubscribed(threadIds[19]!)).toBe(false)
    })

    test('openThreadStore: a call that fails closes its store too', async () => {
      const [{ runtime, state, namespaceOf }] = (await connectAll(1)) as [Client]
      const call = state.acquireLock('thread', -1)
      await expect(call).rejects.toMatchObject({ code: 'INVALID_VALUE' })
      await runtime.drop(namespaceOf('thread'))
    })

    test('openThreadStore: a store without atomic steps is closed, and is not opened for an id that is no string', async () => {
      const shared = await new StorageRuntime(backend.createPlugin()).open(crypto.randomUUID())
      const minimal = await openStoreWithoutAtomicSteps()
      const openThreadStore = vi.fn(async () => minimal)
      const state = chatState(shared, { openThreadStore })
      await state.connect()
      const number = state.subscribe(7 as never)
      await expect(number).rejects.toMatchObject({ code: 'INVALID_KEY' })
      expect(openThreadStore).not.toHaveBeenCalled()
      await expect(state.subscribe('thread')).rejects.toMatchObject({ code: 'NOT_ATOMIC' })
      expect(minimal.isOpen).toBe(false)
    })

    test('openThreadStore: a wrong limit is refused before it opens a store', async () => {
      const store = await new StorageRuntime(backend.createPlugin()).open(crypto.randomUUID())
      const openThreadStore = vi.fn(async () => store)
      const state = chatState(store, { openThreadStore })
      await state.connect()
      const lock = { threadId: 'thread', token: 'x', expiresAt: 0 }
      for (const call of [
        state.acquireLock('thread', -1),
        state.extendLock(lock, Number.NaN),
        state.enqueue('thread', entryOf('1'), 0),
        state.enqueue('thread', { ...entryOf('1'), expiresAt: Infinity }, 1),
      ]) {
        await expect(call).rejects.toMatchObject({ code: 'INVALID_VALUE' })
      }
      expect(openThreadStore).not.toHaveBeenCalled()
    })

    test('openThreadStore: an error of closing changes no outcome', async () => {
      const runtime = new StorageRuntime(backend.createPlugin())
      const state = chatState(await runtime.open(crypto.randomUUID()), {
        openThreadStore: async (threadId) => {
          const own = await runtime.open(threadId)
          vi.spyOn(own, 'close').mockRejectedValue(new Error('close failed'))
          return own
        },
      })
      await state.connect()
      const threadId = crypto.randomUUID()
      expect(await state.acquireLock(threadId, 60_000)).toMatchObject({ threadId })
      expect(await state.acquireLock(threadId, 60_000)).toBeNull()
    })

    test('openThreadStore: a call that is under way when the runtime closes resolves to its result', async () => {
      const [{ runtime, state, namespaceOf }] = (await connectAll(1)) as [Client]
      await state.enqueue('thread', entryOf('1'), 10)
      const own = await runtime.open(namespaceOf('thread'))
      vi.spyOn(own, 'transaction').mockImplementation(async (...args) => {
        const result = Store.prototype.transaction.apply(own, args)
        void own.close()
        return result
      })
      const shared = await runtime.open(crypto.randomUUID())
      const other = chatState(shared, { openThreadStore: async () => own })
      await other.connect()
      expect(await other.dequeue('thread')).toMatchObject({ message: { id: '1' } })
      expect(own.isOpen).toBe(false)
    })

    test('openThreadStore: a store that it returns again is refused, because the first call has closed it', async () => {
      const store = await new StorageRuntime(backend.createPlugin()).open(crypto.randomUUID())
      const own = await new StorageRuntime(backend.createPlugin()).open(crypto.randomUUID())
      const state = chatState(store, { openThreadStore: async () => own })
      await state.connect()
      await state.subscribe('thread')
      await expect(state.isSubscribed('thread')).rejects.toMatchObject({
        code: 'STORE_NOT_OPEN',
        namespace: own.namespace,
        message: expect.stringContaining('return a new one of runtime.open() each time'),
      })
    })

    test('openThreadStore: its errors pass unchanged, and what is no atomic store is refused', async () => {
      const store = await new StorageRuntime(backend.createPlugin()).open(crypto.randomUUID())
      const error = new Error('no such thread')
      const connected = async (openThreadStore: () => Promise<never>): Promise<StateAdapter> => {
        const state = chatState(store, { openThreadStore })
        await state.connect()
        return state
      }
      const rejecting = await connected(async () => Promise.reject(error))
      await expect(rejecting.subscribe('thread')).rejects.toBe(error)
      const minimal = await connected(async () => (await openStoreWithoutAtomicSteps()) as never)
      await expect(minimal.subscribe('thread')).rejects.toMatchObject({ code: 'NOT_ATOMIC' })
      const empty = await connected(async () => undefined as never)
      await expect(empty.subscribe('thread')).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    })
  })
}
