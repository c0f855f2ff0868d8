import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { collect } from '../../../src/conformance/assertions.ts'
import { type StorageBase, StorageRuntime, StoreError } from '../../../src/index.ts'
import { faulty } from '../../../src/testing/faulty.ts'
import { errorOf } from '../../support/promises.ts'
import { HookedPlugin, openStore } from './hooked-plugin.ts'

describe('a storage that breaks its contract', () => {
  test.each([[new Error('nonsense')], ['text'], [undefined], [{ code: 'E' }]])(
    'rejects with a BACKEND_ERROR and its cause when it throws %s',
    async (nonsense) => {
      const plugin = new HookedPlugin()
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
    const plugin = new HookedPlugin()
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
    const fault = 'reject-before'
    const plugin = faulty(
      new MemoryStoragePlugin(),
      [1, 2, 4, 5, 6].map((nth) => ({ on: 'getMany', nth, fault })),
    )
    const store = await new StorageRuntime(plugin).open('n')
    await store.set('k', 1)
    expect(await store.get('k')).toBe(1)
    expect(await errorOf(store.get('k'))).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(plugin.calls.filter(({ kind }) => kind === 'getMany')).toHaveLength(6)
  })

  test('keys() retries until the first key', async () => {
    const plugin = faulty(new MemoryStoragePlugin(), [
      { on: 'liveKeys', nth: 1, fault: 'reject-before' },
      { on: 'liveKeys', nth: 2, fault: 'throw-before' },
    ])
    const store = await new StorageRuntime(plugin).open('n')
    await store.set('k', 1)
    expect(await collect(store.keys())).toEqual(['k'])
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

  test.each([
    { code: 'BLOCKED', retryable: true, why: 'the backend has already waited' },
    { code: 'CORRUPT', retryable: false, why: 'the same call would fail again' },
  ] as const)('get() does not retry after $code: $why', async ({ code, retryable }) => {
    const plugin = faulty(new MemoryStoragePlugin(), [
      { on: 'getMany', nth: 1, fault: 'reject-before', error: new StoreError(code, 'no') },
    ])
    const store = await new StorageRuntime(plugin).open('n')
    expect(await errorOf(store.get('k'))).toMatchObject({ code, retryable })
    expect(plugin.calls.map(({ kind }) => kind)).toEqual(['open', 'getMany'])
  })
})
