import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { type StorageBase, StorageRuntime, StoreError } from '../../../src/index.ts'
import { never } from '../../support/promises.ts'
import { HookedPlugin, openStore, plusOne } from './hooked-plugin.ts'

function mutateAndThrow(value: { n: number } | undefined): undefined {
  if (value !== undefined) value.n = 99
  throw new Error('no')
}

test('an updater that mutates the value it receives does not change the stored value', async () => {
  const store = await new StorageRuntime(new MemoryStoragePlugin()).open<{ k: { n: number } }>('n')
  const done = await Promise.allSettled([
    store.update('k', () => ({ n: 1 })),
    store.update('k', async (value) => ({ n: (value?.n ?? 0) + 1 })),
    store.update('k', mutateAndThrow),
    store.get('k'),
    store.update('k', mutateAndThrow),
  ])
  expect(done.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
  ])
  expect(done[3]).toEqual({ status: 'fulfilled', value: { n: 2 } })
  expect(await store.get('k')).toEqual({ n: 2 })
  await Promise.allSettled([
    store.update('k', () => ({ n: 3 })),
    store.update('k', async () => {
      throw new Error('no')
    }),
    store.update('k', mutateAndThrow),
  ])
  expect(await store.get('k')).toEqual({ n: 3 })
})

describe('150,000 operations in one tick', () => {
  const count = 150_000

  test('on one key succeed in parts if they are refused together', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = (apply) =>
      plugin.commits === 1 ? Promise.reject(new StoreError('TOO_LARGE', 'no room')) : apply()
    const sets = Array.from({ length: count }, (_, i) => store.set('k', i))
    await Promise.all(sets)
    expect(await store.get('k')).toBe(count - 1)
  })

  test('that share keys with each other are one commit in program order', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    const sets = Array.from({ length: count / 3 }, (_, i) => store.set(`k${i}`, 0))
    const pairs = Array.from({ length: count / 3 }, (_, i) =>
      store.setMany({ hub: i, [`k${i}`]: i }),
    )
    await Promise.all([...sets, ...pairs])
    expect(plugin.commits).toBe(1)
    expect(await store.get('hub')).toBe(count / 3 - 1)
    expect(await store.get('k7')).toBe(7)
  })

  test('on one key run again in one turn after a conflict', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = async (apply) => (plugin.commits === 1 ? ['conflict'] : apply())
    const updates = Array.from({ length: count }, () => store.update('k', plusOne))
    await Promise.all(updates)
    expect(await store.get('k')).toBe(count)
    expect(plugin.commits).toBe(2)
  })
})

describe('an updater that rejects while its transaction is running', () => {
  test('rejects its update, without an unhandled rejection', async () => {
    class SlowPlugin extends MemoryStoragePlugin {
      override async open(namespace: string): Promise<StorageBase> {
        const storage = await super.open(namespace)
        const transact = storage.transact?.bind(storage)
        storage.transact = async (keys, apply) => {
          // The backend restarts the transaction and is slow.
          apply(new Map())
          const outcomes = await transact?.(keys, apply)
          await new Promise((resolve) => setTimeout(resolve, 10))
          return outcomes ?? []
        }
        return storage
      }
    }
    const store = await new StorageRuntime(new SlowPlugin()).open('n')
    const own = new Error('mine')
    await expect(store.update('k', () => Promise.reject(own))).rejects.toBe(own)
  })
})

describe('with batchAcrossTicks: false', () => {
  test('a call never waits for a call of an earlier tick, which may belong to a request that has ended', async () => {
    const plugin = new HookedPlugin()
    plugin.traits = { batchAcrossTicks: false }
    const store = await openStore(plugin)
    plugin.onCommit = never
    void store.set('k', 1)
    void store.update('k', plusOne)
    void store.clear()
    await Promise.resolve()
    plugin.onCommit = (apply) => apply()
    await store.set('k', 2)
    expect(await store.update('k', plusOne)).toBe(3)
    expect(await store.get('k')).toBe(3)
    expect(await store.size()).toBe(1)
  })

  test('a single call reaches the storage in the microtasks of its tick', async () => {
    const plugin = new HookedPlugin()
    plugin.traits = { batchAcrossTicks: false }
    const store = await openStore(plugin)
    void store.set('k', 1)
    await Promise.resolve()
    expect(plugin.commits).toBe(1)
    void store.get('other')
    await Promise.resolve()
    expect(plugin.reads).toBe(1)
    await store.close()
  })
})
