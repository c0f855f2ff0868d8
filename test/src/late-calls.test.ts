import { afterEach, expect, test, vi } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type Entry,
  type StorageBase,
  StorageRuntime,
  type StoragePluginBase,
} from '../../src/index.ts'
import { ScriptedKV } from '../adapters/cloudflare-kv/support/scripted-kv.ts'
import { MinimalStoragePlugin } from '../support/minimal-plugin.ts'
import { errorOf, never } from '../support/promises.ts'

afterEach(() => {
  vi.useRealTimers()
})

function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Lets each write of a six-method storage take a second. */
class SlowPlugin extends MinimalStoragePlugin {
  readonly written: string[] = []

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const set = storage.set.bind(storage)
    const remove = storage.remove.bind(storage)
    storage.set = async (key: string, entry: Entry) => {
      await sleep(1000)
      this.written.push(key)
      await set(key, entry)
    }
    storage.remove = async (key: string) => {
      await sleep(1000)
      this.written.push(key)
      await remove(key)
    }
    return storage
  }
}

test.each(['setMany', 'clear'] as const)(
  '%s() that writes key by key stops when its time limit has passed, so that it overwrites nothing later',
  async (method) => {
    const plugin = new SlowPlugin({})
    const options = { operationTimeout: 2500, allowLostUpdates: true }
    const store = await new StorageRuntime(plugin, options).open<Record<string, number>>('n')
    fakeTimers()
    const first = store.setMany({ a: 1, b: 1 })
    await vi.advanceTimersByTimeAsync(2000)
    await first
    const late = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key): [string, number] => [key, 2])
    const call = errorOf(method === 'setMany' ? store.setMany(late) : addAndClear())
    await vi.advanceTimersByTimeAsync(6000)
    expect(await call).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    const { length } = plugin.written
    await vi.advanceTimersByTimeAsync(20_000)
    expect(plugin.written.length).toBeLessThanOrEqual(length + 1)

    async function addAndClear(): Promise<void> {
      await store.setMany({ c: 1, d: 1 })
      await store.clear()
    }
  },
)

test('setMany() on Workers KV stops when its time limit has passed', async () => {
  const kv = new ScriptedKV()
  const put = kv.put.bind(kv)
  let puts = 0
  kv.put = async (...args: Parameters<typeof put>) => {
    puts++
    await sleep(1000)
    await put(...args)
  }
  const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: kv } })
  const options = { operationTimeout: 2500, allowLostUpdates: true }
  const store = await new StorageRuntime(plugin, options).open<Record<string, number>>('n')
  fakeTimers()
  const call = errorOf(store.setMany({ a: 1, b: 1, c: 1, d: 1, e: 1 }))
  await vi.advanceTimersByTimeAsync(2500)
  expect(await call).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
  await vi.advanceTimersByTimeAsync(20_000)
  expect(puts).toBe(3)
})

test('a short call that waits for a large one does not make the storage drop its connection', async () => {
  let drops = 0
  const released = Promise.withResolvers<void>()
  class LargePlugin extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      const storage = await super.open(namespace)
      const commit = storage.commit.bind(storage)
      storage.commit = async (...args) => {
        await released.promise
        return commit(...args)
      }
      storage.getMany = never
      const traits = { ...storage.traits, batchAcrossTicks: false }
      return Object.assign(storage, { traits, onTimeout: () => void drops++ })
    }
  }
  const runtime = new StorageRuntime(new LargePlugin(), { operationTimeout: 1000 })
  const store = await runtime.open<Record<string, number>>('n')
  fakeTimers()
  const entries = Array.from({ length: 500 }, (_, i): [string, number] => [`${i}`, i])
  const large = store.setMany(entries)
  await vi.advanceTimersByTimeAsync(1)
  const short = errorOf(store.get('k'))
  await vi.advanceTimersByTimeAsync(3000)
  expect(await short).toMatchObject({ code: 'TIMEOUT' })
  expect(drops).toBe(0)
  released.resolve()
  await large
  const alone = errorOf(store.get('k'))
  await vi.advanceTimersByTimeAsync(3000)
  await alone
  expect(drops).toBe(1)
})

test('an update whose batch ends after close() gave up is rejected', async () => {
  class SlowCommits extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      const storage = await super.open(namespace)
      const commit = storage.commit.bind(storage)
      storage.commit = async (...args) => {
        await sleep(900)
        return commit(...args)
      }
      const getMany = storage.getMany.bind(storage)
      storage.getMany = async (keys) => {
        await sleep(900)
        return getMany(keys)
      }
      return Object.assign(storage, { transact: undefined })
    }
  }
  const runtime = new StorageRuntime(new SlowCommits(), { operationTimeout: 1000 })
  const store = await runtime.open<Record<string, number>>('n')
  fakeTimers()
  const update = errorOf(store.update('a', () => never()))
  const writes = Promise.allSettled([store.set('b', 1), store.set('a', 1)])
  const closing = store.close()
  await vi.advanceTimersByTimeAsync(10_000)
  await closing
  await writes
  expect(await update).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' })
})

test('turns of an adapter that throw reject the operations of their tick, and later ones run', async () => {
  let isFaulty = true
  const turns = {
    get hasContention(): boolean {
      if (isFaulty) throw new Error('no turns')
      return false
    },
    isContended: () => false,
    request: never,
  }
  const plugin = Object.assign(new MemoryStoragePlugin(), {})
  const open = plugin.open.bind(plugin)
  plugin.open = async (namespace) => Object.assign(await open(namespace), { turns })
  const store = await new StorageRuntime(plugin as StoragePluginBase).open('n')
  expect(await errorOf(store.set('k', 1))).toMatchObject({ code: 'BACKEND_ERROR' })
  isFaulty = false
  await store.set('k', 2)
  expect(await store.get('k')).toBe(2)
})
