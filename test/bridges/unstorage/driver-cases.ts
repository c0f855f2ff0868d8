import { expect, test, vi } from 'vitest'
import { type StoreDriver, unstorageDriver } from '../../../bridges/unstorage.ts'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import type { Clients } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'
import type { Version } from './versions.ts'

/** The driver itself: mounts, whom it opens and closes, and what it refuses. */
export function testDriver({ open, openAll }: Clients, { unstorage }: Version): void {
  test('a mounted driver has keys relative to its mount, and unmount() keeps the store open', async () => {
    const store = await open()
    const storage = unstorage.createStorage()
    storage.mount('bot', unstorageDriver(store))
    await storage.setItem('bot:users:ann', 1)
    await storage.setItem('top', 1)
    expect(await store.get('users:ann')).toBe('1')
    expect((await storage.getKeys()).toSorted()).toEqual(['bot:users:ann', 'top'])
    expect(await storage.getKeys('bot:users')).toEqual(['bot:users:ann'])
    await storage.clear('bot')
    expect(await storage.getKeys()).toEqual(['top'])
    await storage.unmount('bot')
    expect(store.isOpen).toBe(true)
  })

  test('getKeys() and clear() of the driver with a base leave out the keys of every other base', async () => {
    const driver = unstorageDriver(await open())
    for (const key of ['users:ann', 'users-archive:ben', 'users'])
      await driver.setItem(key, '1', {})
    expect(await driver.getKeys('users', {})).toEqual(['users:ann'])
    expect(await driver.getKeys('users:', {})).toEqual(['users:ann'])
    await driver.clear('users', {})
    expect(await driver.getKeys('', {})).toEqual(['users', 'users-archive:ben'])
  })

  test('getMeta() of the driver is empty for a key without expiry, and null for a missing key', async () => {
    const driver = unstorageDriver(await open())
    await driver.setItem('a', '1', {})
    expect(await driver.getMeta('a', {})).toEqual({})
    expect(await driver.getMeta('missing', {})).toBeNull()
  })

  test('setItems() stores all items or none', async () => {
    const driver = unstorageDriver(await open())
    const items = [
      { key: 'a', value: '1' },
      { key: 'b', value: (() => 1) as unknown as string },
    ]
    await expect(driver.setItems(items)).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    expect(await driver.hasItem('a', {})).toBe(false)
  })

  const sources = [
    ['an open store', async (): Promise<StoreDriver<unknown>> => unstorageDriver(await open())],
    [
      'a function that opens the store',
      async (): Promise<StoreDriver<unknown>> => unstorageDriver(async () => open()),
    ],
  ] as const
  test.each(sources)('a value is copied at the time of the call, with %s', async (_, create) => {
    const driver = await create()
    const [map, list] = [new Map([[1, 1]]), [1]]
    const written = driver.setItemRaw('map', map, {})
    const others = driver.setItems([{ key: 'list', value: list as never }])
    map.set(1, 2)
    list.push(2)
    await written
    await others
    expect(await driver.getItemRaw('map', {})).toEqual(new Map([[1, 1]]))
    expect(await driver.getItem('list', {})).toEqual([1])
  })

  test('bad input rejects with INVALID_VALUE before the store is opened', async () => {
    const openStore = vi.fn(async () => open())
    const driver = unstorageDriver(openStore)
    const error = { code: 'INVALID_VALUE', key: 'k' }
    const value = (() => 1) as unknown as string
    const calls = [
      driver.setItem('k', '1', { ttl: -1 }),
      driver.setItemRaw('k', '1', { ttl: -1 }),
      driver.setItems([{ key: 'k', value: '1', options: { ttl: -1 } }]),
      driver.setItemRaw('k', value, {}),
      driver.setItems([{ key: 'k', value }]),
    ]
    await Promise.all(calls.map(async (call) => expect(call).rejects.toMatchObject(error)))
    expect(openStore).not.toHaveBeenCalled()
  })

  test('a store is opened once, when it is first needed, and closed by dispose()', async () => {
    const opened: Store[] = []
    const driver = unstorageDriver(async () => {
      const store = await open()
      opened.push(store)
      return store
    })
    const storage = unstorage.createStorage()
    storage.mount('bot', driver)
    expect(opened).toEqual([])
    await Promise.all([storage.setItem('bot:a', 1), storage.setItem('bot:b', 2)])
    expect(await storage.getKeys('bot')).toEqual(['bot:a', 'bot:b'])
    expect(await driver.getInstance()).toBe(opened[0])
    await storage.dispose()
    expect(opened.map(({ isOpen }) => isOpen)).toEqual([false])
    expect(await storage.getItem('bot:a')).toBeNull()
    expect(opened.map(({ isOpen }) => isOpen)).toEqual([false, true])
  })

  test('dispose() of a driver that has opened nothing, or whose store was closed, succeeds', async () => {
    await unstorageDriver(async () => open()).dispose()
    const driver = unstorageDriver(async () => open())
    await (await driver.getInstance()).close()
    await driver.dispose()
  })

  test('a store that could not be opened rejects the call, and the next call opens it again', async () => {
    let attempts = 0
    const storage = unstorage.createStorage({
      driver: unstorageDriver(async () => {
        if (attempts++ === 0) throw new Error('no network')
        return open()
      }),
    })
    await expect(storage.getItem('a')).rejects.toThrow('no network')
    expect(await storage.getItem('a')).toBeNull()
  })

  test('dispose() while the store opens closes that store only, and the next call opens another', async () => {
    const opened: Store[] = []
    const failed = new AbortController()
    const failure = new Promise<never>((_, reject) => {
      failed.signal.addEventListener('abort', () => reject(new Error('late')))
    })
    const driver = unstorageDriver(async () => {
      const store = await open()
      opened.push(store)
      return opened.length === 1 ? failure : store
    })
    const first = driver.getItem('a', {})
    await vi.waitFor(() => expect(opened).toHaveLength(1))
    const disposed = driver.dispose()
    expect(await driver.getItem('a', {})).toBeNull()
    failed.abort()
    await expect(first).rejects.toThrow('late')
    // The failed store is not reported twice, and the store that was opened since stays in use.
    await disposed
    expect(await driver.getItem('a', {})).toBeNull()
    expect(opened).toHaveLength(2)
    await driver.dispose()
    expect(opened[1]?.isOpen).toBe(false)
  })

  test('calls before dispose() are stored, also while the store opens', async () => {
    const [store, other] = await openAll(2)
    const driver = unstorageDriver(async () => store!)
    const written = driver.setItem('a', '1', {})
    await driver.dispose()
    await written
    expect([await other!.get('a'), store!.isOpen]).toEqual(['1', false])
  })

  test('errors of the store reject the calls', async () => {
    const store = await open()
    const storage = unstorage.createStorage({ driver: unstorageDriver(store) })
    await store.close()
    const calls = [
      storage.getItem('a'),
      storage.getItems(['a']),
      storage.hasItem('a'),
      storage.setItem('a', 1),
      storage.setItems([{ key: 'a', value: 1 }]),
      storage.removeItem('a'),
      storage.getKeys(),
      storage.clear(),
      storage.getMeta('a'),
    ]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
  })

  test('anything but a store or a function that opens one is refused with INVALID_VALUE', async () => {
    const refused = { code: 'INVALID_VALUE', message: expect.stringContaining('unstorageDriver()') }
    for (const source of [undefined, null, {}, open(), 'Karma'])
      expect(() => unstorageDriver(source as Store)).toThrow(expect.objectContaining(refused))
    const storage = unstorage.createStorage({
      driver: unstorageDriver(async () => ({}) as unknown as Store),
    })
    await expect(storage.getItem('a')).rejects.toMatchObject(refused)
  })

  test('without atomic steps in the backend, setItems() stores each item on its own', async () => {
    const storage = unstorage.createStorage({
      driver: unstorageDriver(await openStoreWithoutAtomicSteps()),
    })
    await storage.setItems([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ])
    expect(await storage.getItems(['a', 'b'])).toEqual([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ])
  })

  test('100 concurrent writes of ten clients are all kept', async () => {
    const storages = (await openAll(10)).map((store) =>
      unstorage.createStorage({ driver: unstorageDriver(store) }),
    )
    const indices = Array.from({ length: 100 }, (_, index) => index)
    await Promise.all(
      indices.map(async (index) => storages[index % 10]!.setItem(`item:${index}`, index)),
    )
    expect(await storages[0]!.getKeys('item')).toHaveLength(100)
  })

  test('a runtime that opens lazily serves a driver that was mounted before', async () => {
    const runtime = new StorageRuntime(new MemoryStoragePlugin())
    const storage = unstorage.createStorage()
    storage.mount(
      'bot',
      unstorageDriver(() => runtime.open('bot')),
    )
    await storage.setItem('bot:a', { n: 1 })
    expect(await storage.getItem('bot:a')).toEqual({ n: 1 })
    await runtime.close()
  })
}
