import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { type StorageBase, StorageRuntime, StoreError } from '../../../src/index.ts'
import { errorOf, FaultyPlugin, openStore } from './faulty-plugin.ts'

describe('a storage that breaks its contract', () => {
  test.each([[new Error('nonsense')], ['text'], [undefined], [{ code: 'E' }]])(
    'rejects with a BACKEND_ERROR and its cause when it throws %s',
    async (nonsense) => {
      const plugin = new FaultyPlugin()
      const store = await openStore(plugin)
      plugin.onRead = () => Promise.reject(nonsense)
      const error = await errorOf(store.get('k'))
      expect(error).toMatchObject({
        name: 'StoreError',
        code: 'BACKEND_ERROR',
        namespace: 'n',
        key: 'k',
        outcome: 'not-applied',
      })
      expect(error.cause).toBe(nonsense)
      plugin.onCommit = () => Promise.reject(nonsense)
      const write = await errorOf(store.set('k', 1))
      expect(write).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'unknown' })
      expect(write.cause).toBe(nonsense)
    },
  )

  test('rejects with a BACKEND_ERROR when a commit returns no outcome', async () => {
    const plugin = new FaultyPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = async () => []
    expect(await errorOf(store.set('k', 1))).toMatchObject({
      code: 'BACKEND_ERROR',
      outcome: 'unknown',
    })
  })
})

describe('a read that fails', () => {
  test('get() retries while the error is retryable, with at most three attempts', async () => {
    const plugin = new FaultyPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    plugin.onRead = (read) =>
      plugin.reads < 3 ? Promise.reject(new StoreError('CONNECTION_LOST', 'gone')) : read()
    expect(await store.get('k')).toBe(1)
    plugin.reads = 0
    plugin.onRead = () => Promise.reject(new StoreError('CONNECTION_LOST', 'gone'))
    expect(await errorOf(store.get('k'))).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(plugin.reads).toBe(3)
  })

  test('keys() retries until the first key', async () => {
    const plugin = new FaultyPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    let tries = 0
    plugin.onList = () => {
      if (++tries < 3) throw new StoreError('CONNECTION_LOST', 'gone')
    }
    const keys: string[] = []
    for await (const key of store.keys()) keys.push(key)
    expect(keys).toEqual(['k'])
  })

  test('keys() rejects with the error of the listing, not with that of its cleanup', async () => {
    class BrokenPlugin extends MemoryStoragePlugin {
      override async open(namespace: string): Promise<StorageBase> {
        const storage = await super.open(namespace)
        let count = 0
        const iterator: AsyncIterableIterator<string> = {
          next: () =>
            count++ === 0
              ? Promise.resolve({ done: false, value: 'k' })
              : Promise.reject(new Error('the true cause')),
          return: () => Promise.reject(new Error('cleanup failed')),
          [Symbol.asyncIterator]: () => iterator,
        }
        storage.liveKeys = () => iterator
        return storage
      }
    }
    const store = await new StorageRuntime(new BrokenPlugin()).open('n')
    const listing = store.keys()
    await listing.next()
    const error = await errorOf(listing.next())
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied' })
    expect(error.message).toContain('the true cause')
  })

  test('get() does not retry after BLOCKED: the backend has already waited', async () => {
    const plugin = new FaultyPlugin()
    const store = await openStore(plugin)
    plugin.onRead = () => Promise.reject(new StoreError('BLOCKED', 'another tab'))
    expect(await errorOf(store.get('k'))).toMatchObject({ code: 'BLOCKED', retryable: true })
    expect(plugin.reads).toBe(1)
  })

  test('get() does not retry after an error that is not retryable', async () => {
    const plugin = new FaultyPlugin()
    const store = await openStore(plugin)
    plugin.onRead = () => Promise.reject(new StoreError('CORRUPT', 'damaged'))
    expect(await errorOf(store.get('k'))).toMatchObject({ code: 'CORRUPT' })
    expect(plugin.reads).toBe(1)
  })
})
