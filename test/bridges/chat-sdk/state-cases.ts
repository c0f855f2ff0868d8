import type { Lock, QueueEntry, StateAdapter } from 'chat'
import { expect, test } from 'vitest'
import { chatState } from '../../../bridges/chat-sdk.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, type Clients, describeBridge } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'

const THREAD = 'slack:C1:1.5'

/** A queued message as plain data. The tests with the `Chat` class use real messages. */
export function entryOf(id: string, expiresIn = 60_000): QueueEntry {
  const enqueuedAt = Date.now()
  return { enqueuedAt, expiresAt: enqueuedAt + expiresIn, message: { id } as QueueEntry['message'] }
}

export async function connect(store: Store): Promise<StateAdapter> {
  const state = chatState(store)
  await state.connect()
  return state
}

async function drain(state: StateAdapter): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const entry = await state.dequeue(THREAD)
    if (!entry) return ids
    ids.push(entry.message.id)
  }
}

const rejection = (code: string): unknown => expect.objectContaining({ name: 'StoreError', code })

/** The rules that the comments of `StateAdapter` and docs/concurrency.mdx of `chat` state. */
export function testChatState(backend: BridgeBackend): void {
  describeBridge('chat-sdk', backend, (clients) => {
    testConnection(clients)
    testValues(clients)
    testLists(clients)
    testLocks(clients)
    testQueues(clients)
    testKeys(clients)
  })
}

function testConnection({ open }: Clients): void {
  test('every method rejects with STORE_NOT_OPEN before connect() and after disconnect()', async () => {
    const state = chatState(await open())
    const lock: Lock = { threadId: THREAD, token: 'token', expiresAt: 0 }
    const calls: readonly (() => Promise<unknown>)[] = [
      () => state.get('k'),
      () => state.set('k', 1),
      () => state.setIfNotExists('k', 1),
      () => state.delete('k'),
      () => state.appendToList('k', 1),
      () => state.getList('k'),
      () => state.acquireLock(THREAD, 1000),
      () => state.releaseLock(lock),
      () => state.extendLock(lock, 1000),
      () => state.forceReleaseLock(THREAD),
      () => state.enqueue(THREAD, entryOf('1'), 10),
      () => state.dequeue(THREAD),
      () => state.queueDepth(THREAD),
      () => state.subscribe(THREAD),
      () => state.unsubscribe(THREAD),
      () => state.isSubscribed(THREAD),
    ]
    const notOpen = rejection('STORE_NOT_OPEN')
    await Promise.all(calls.map(async (call) => expect(call()).rejects.toEqual(notOpen)))
    await state.connect()
    await state.connect()
    await Promise.all(calls.map((call) => call()))
    await state.disconnect()
    await Promise.all(calls.map(async (call) => expect(call()).rejects.toEqual(notOpen)))
  })

  test('disconnect() keeps the data and leaves the store open', async () => {
    const store = await open()
    const state = await connect(store)
    await state.subscribe(THREAD)
    await state.disconnect()
    expect(store.isOpen).toBe(true)
    await state.connect()
    expect(await state.isSubscribed(THREAD)).toBe(true)
  })

  test('errors of the store pass unchanged', async () => {
    const store = await open()
    const state = await connect(store)
    await store.close()
    await expect(state.get('k')).rejects.toEqual(rejection('STORE_NOT_OPEN'))
    await expect(state.dequeue(THREAD)).rejects.toEqual(rejection('STORE_NOT_OPEN'))
  })

  test('a store without atomic steps, what is no store, and unknown options are refused', async () => {
    const minimal = await openStoreWithoutAtomicSteps()
    expect(() => chatState(minimal)).toThrow(rejection('NOT_ATOMIC'))
    const promise = open() as never
    expect(() => chatState(promise)).toThrow(rejection('INVALID_VALUE'))
    const store = await open()
    const options = { openThreadStores: open } as never
    expect(() => chatState(store, options)).toThrow(rejection('INVALID_VALUE'))
    const noFunction = { openThreadStore: store } as never
    expect(() => chatState(store, noFunction)).toThrow(rejection('INVALID_VALUE'))
  })
}

function testValues({ open, openAll }: Clients): void {
  test('get() resolves to null for a missing key, and to what set() stored', async () => {
    const state = await connect(await open())
    expect(await state.get('k')).toBeNull()
    const value = { due: new Date(0), note: undefined, tags: ['a'], none: null }
    await state.set('k', value)
    expect(await state.get('k')).toEqual(value)
    await state.delete('k')
    expect(await state.get('k')).toBeNull()
  })

  test('a value expires after ttlMs milliseconds, and never with 0 or without one', async () => {
    let time = Date.now()
    const state = await connect(await open(() => time))
    await state.set('minute', 1, 60_000)
    await state.set('zero', 1, 60_000)
    await state.set('zero', 1, 0)
    await state.set('none', 1, 60_000)
    await state.set('none', 1)
    expect(await state.setIfNotExists('minute', 2, 60_000)).toBe(false)
    time += 60_000
    expect(await state.get('minute')).toBeNull()
    expect(await state.get('zero')).toBe(1)
    expect(await state.get('none')).toBe(1)
    expect(await state.setIfNotExists('minute', 2, 60_000)).toBe(true)
    time += 60_000
    expect(await state.setIfNotExists('minute', 3)).toBe(true)
  })

  test('setIfNotExists() has one winner among 100 concurrent calls', async () => {
    const states = await Promise.all((await openAll(10)).map(connect))
    const results = await Promise.all(
      Array.from({ length: 100 }, async (_, index) =>
        states[index % 10]!.setIfNotExists('k', index),
      ),
    )
    expect(results.filter(Boolean)).toHaveLength(1)
    expect(await states[0]!.get('k')).toBe(results.indexOf(true))
  })

  test('a value that a store cannot hold is INVALID_VALUE', async () => {
    const state = await connect(await open())
    const values = [undefined, () => {}, { raw: new URL('https://a.example') }, Symbol('s')]
    for (const value of values) {
      await expect(state.set('k', value)).rejects.toEqual(rejection('INVALID_VALUE'))
    }
    expect(await state.get('k')).toBeNull()
  })

  test('a wrong time to live, length or size is INVALID_VALUE, and nothing is stored', async () => {
    const state = await connect(await open())
    const lock = (await state.acquireLock('held', 60_000))!
    const invalid = rejection('INVALID_VALUE')
    await Promise.all(
      [-1, Number.NaN, Number.POSITIVE_INFINITY, '60' as never].map(async (wrong) => {
        await expect(state.set('k', 1, wrong)).rejects.toEqual(invalid)
        await expect(state.setIfNotExists('k', 1, wrong)).rejects.toEqual(invalid)
        await expect(state.appendToList('k', 1, { ttlMs: wrong })).rejects.toEqual(invalid)
        await expect(state.appendToList('k', 1, { maxLength: wrong })).rejects.toEqual(invalid)
        await expect(state.acquireLock(THREAD, wrong)).rejects.toEqual(invalid)
        await expect(state.extendLock(lock, wrong)).rejects.toEqual(invalid)
        await expect(state.enqueue(THREAD, entryOf('1'), wrong)).rejects.toEqual(invalid)
      }),
    )
    for (const [call, message] of [
      [() => state.set('k', 1, -1), /^ttlMs must be a positive number of .+; received -1\./],
      [() => state.appendToList('k', 1, { ttlMs: -1 }), /^ttlMs must be/],
      [
        () => state.appendToList('k', 1, { maxLength: -1 }),
        /^maxLength must be a positive integer/,
      ],
      [() => state.acquireLock(THREAD, -1), /^ttlMs must be/],
      [() => state.extendLock(lock, -1), /^ttlMs must be/],
      [() => state.enqueue(THREAD, entryOf('1'), -1), /^maxSize must be a positive integer/],
      [() => state.enqueue(THREAD, entryOf('1', Number.NaN), 1), /^entry.expiresAt must be a time/],
    ] as const) {
      await expect(call()).rejects.toThrow(message)
    }
    await expect(state.acquireLock(THREAD, 0)).rejects.toEqual(invalid)
    await expect(state.extendLock(lock, 0)).rejects.toEqual(invalid)
    await expect(state.enqueue(THREAD, entryOf('1'), 0)).rejects.toEqual(invalid)
    await expect(state.enqueue(THREAD, entryOf('1', Number.NaN), 1)).rejects.toEqual(invalid)
    // Without an expiry a lock would never end.
    const missing = undefined as never
    await expect(state.acquireLock(THREAD, missing)).rejects.toEqual(invalid)
    await expect(state.extendLock(lock, missing)).rejects.toEqual(invalid)
    await expect(state.enqueue(THREAD, entryOf('1'), missing)).rejects.toEqual(invalid)
    expect(await state.get('k')).toBeNull()
    expect(await state.getList('k')).toEqual([])
    expect(await state.queueDepth(THREAD)).toBe(0)
    expect(await state.acquireLock(THREAD, 1000)).not.toBeNull()
    expect(await state.extendLock(lock, 1000)).toBe(true)
  })
}

function testLists({ open, openAll }: Clients): void {
  test('appendToList() keeps all of 100 concurrent values', async () => {
    const states = await Promise.all((await openAll(10)).map(connect))
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => states[index % 10]!.appendToList('k', index)),
    )
    const list = await states[0]!.getList<number>('k')
    expect(list.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index))
  })

  test('appendToList() keeps the newest maxLength values, and all with 0', async () => {
    const state = await connect(await open())
    expect(await state.getList('k')).toEqual([])
    for (const value of ['a', 'b', 'c']) {
      await state.appendToList('k', value, { maxLength: 2 })
    }
    expect(await state.getList('k')).toEqual(['b', 'c'])
    await state.appendToList('k', 'd', { maxLength: 0 })
    expect(await state.getList('k')).toEqual(['b', 'c', 'd'])
  })

  test('appendToList() refreshes the time to live, and keeps it without one', async () => {
    let time = Date.now()
    const state = await connect(await open(() => time))
    await state.appendToList('k', 1, { ttlMs: 100 })
    time += 60
    await state.appendToList('k', 2, { ttlMs: 100 })
    time += 60
    expect(await state.getList('k')).toEqual([1, 2])
    await state.appendToList('k', 3)
    time += 40
    expect(await state.getList('k')).toEqual([])
  })
}

function testLocks({ open, openAll }: Clients): void {
  test('acquireLock() has one winner among 100 concurrent calls', async () => {
    const states = await Promise.all((await openAll(10)).map(connect))
    const locks = await Promise.all(
      Array.from({ length: 100 }, async (_, index) =>
        states[index % 10]!.acquireLock(THREAD, 60_000),
      ),
    )
    const [lock, ...others] = locks.filter((found) => found !== null)
    expect(others).toEqual([])
    expect(lock).toEqual({
      threadId: THREAD,
      token: expect.any(String),
      expiresAt: expect.any(Number),
    })
    expect(Math.abs(lock!.expiresAt - Date.now() - 60_000)).toBeLessThan(30_000)
    await states[0]!.releaseLock(lock!)
    expect(await states[1]!.acquireLock(THREAD, 60_000)).not.toBeNull()
  })

  test('a lock of another token is neither released nor extended', async () => {
    const [mine, yours] = (await Promise.all((await openAll(2)).map(connect))) as [
      StateAdapter,
      StateAdapter,
    ]
    const old = (await mine.acquireLock(THREAD, 60_000))!
    await yours.forceReleaseLock(THREAD)
    const taken = (await yours.acquireLock(THREAD, 60_000))!
    await mine.releaseLock(old)
    expect(await mine.extendLock(old, 60_000)).toBe(false)
    expect(await mine.acquireLock(THREAD, 60_000)).toBeNull()
    expect(await yours.extendLock(taken, 60_000)).toBe(true)
    await yours.releaseLock(taken)
    expect(await yours.extendLock(taken, 60_000)).toBe(false)
    expect(await mine.acquireLock(THREAD, 60_000)).not.toBeNull()
  })

  test('extendLock() prolongs a lock, and never revives one that has expired', async () => {
    let time = Date.now()
    const state = await connect(await open(() => time))
    const lock = (await state.acquireLock(THREAD, 100))!
    time += 60
    expect(await state.extendLock(lock, 100)).toBe(true)
    time += 60
    expect(await state.acquireLock(THREAD, 100)).toBeNull()
    time += 40
    expect(await state.extendLock(lock, 100)).toBe(false)
    expect(await state.acquireLock(THREAD, 100)).not.toBeNull()
    expect(await state.extendLock(lock, 100)).toBe(false)
  })
}

function testQueues({ open, openAll }: Clients): void {
  test('100 messages that 10 clients enqueue at once are dequeued once each', async () => {
    const states = await Promise.all((await openAll(10)).map(connect))
    const ids = Array.from({ length: 100 }, (_, index) => String(index))
    const depths = await Promise.all(
      ids.map(async (id, index) => states[index % 10]!.enqueue(THREAD, entryOf(id), 100)),
    )
    expect(depths.toSorted((a, b) => a - b)).toEqual(ids.map((_, index) => index + 1))
    expect(await states[0]!.queueDepth(THREAD)).toBe(100)
    const dequeued = (await Promise.all(states.map(drain))).flat()
    expect(dequeued.toSorted()).toEqual(ids.toSorted())
    expect(await states[0]!.queueDepth(THREAD)).toBe(0)
  })

  test('enqueue() keeps the newest maxSize messages, and dequeue() takes the oldest', async () => {
    const state = await connect(await open())
    const depths = []
    for (const id of ['a', 'b', 'c']) {
      depths.push(await state.enqueue(THREAD, entryOf(id), 2))
    }
    expect(depths).toEqual([1, 2, 2])
    expect(await drain(state)).toEqual(['b', 'c'])
    expect(await state.dequeue('other')).toBeNull()
  })

  test('dequeue() and queueDepth() leave out messages whose expiresAt has passed', async () => {
    const store = await open()
    const state = await connect(store)
    await state.enqueue(THREAD, entryOf('stale', -1), 10)
    await state.enqueue(THREAD, entryOf('live'), 10)
    await state.enqueue(THREAD, entryOf('stale too', -1), 10)
    expect(await state.queueDepth(THREAD)).toBe(1)
    expect(await state.dequeue(THREAD)).toMatchObject({ message: { id: 'live' } })
    expect(await state.dequeue(THREAD)).toBeNull()
    expect(await store.size()).toBe(0)
  })

  test('an abandoned queue is removed a week after its last message expired', async () => {
    let time = Date.now()
    const store = await open(() => time)
    const state = await connect(store)
    await state.enqueue(THREAD, entryOf('1'), 10)
    await state.enqueue(THREAD, entryOf('2'), 10)
    await state.dequeue(THREAD)
    time += 7 * 86_400_000
    expect(await store.size()).toBe(1)
    time += 61_000
    expect(await store.size()).toBe(0)
  })

  test('a message that is not serializable as JSON is INVALID_VALUE', async () => {
    const state = await connect(await open())
    const entry = { ...entryOf('1'), message: { raw: 1n } as never }
    await expect(state.enqueue(THREAD, entry, 10)).rejects.toEqual(rejection('INVALID_VALUE'))
    expect(await state.queueDepth(THREAD)).toBe(0)
  })
}

function testKeys({ open }: Clients): void {
  test('values, lists, locks, queues and subscriptions of one name do not meet', async () => {
    const state = await connect(await open())
    const names = ['', ':', 'value:', 'lock:', 'k', 'value:k', '\0', '😀', 'k'.repeat(2035)]
    await Promise.all(
      names.map(async (name) => {
        await state.set(name, `value of ${name}`)
        await state.appendToList(name, `list of ${name}`)
        await state.subscribe(name)
        expect(await state.acquireLock(name, 60_000)).not.toBeNull()
        await state.enqueue(name, entryOf(name), 10)
      }),
    )
    await Promise.all(
      names.map(async (name) => {
        expect(await state.get(name)).toBe(`value of ${name}`)
        expect(await state.getList(name)).toEqual([`list of ${name}`])
        expect(await state.acquireLock(name, 60_000)).toBeNull()
        expect(await state.dequeue(name)).toMatchObject({ message: { id: name } })
        await state.forceReleaseLock(name)
        await state.delete(name)
        expect(await state.isSubscribed(name)).toBe(true)
        expect(await state.getList(name)).toHaveLength(1)
        await state.unsubscribe(name)
        expect(await state.isSubscribed(name)).toBe(false)
      }),
    )
  })

  test('a key that is no string or has an unpaired surrogate is INVALID_KEY', async () => {
    const state = await connect(await open())
    const invalid = rejection('INVALID_KEY')
    await expect(state.set('\uD800', 1)).rejects.toEqual(invalid)
    await expect(state.get(undefined as never)).rejects.toEqual(invalid)
    await expect(state.acquireLock(7 as never, 1000)).rejects.toEqual(invalid)
  })
}
