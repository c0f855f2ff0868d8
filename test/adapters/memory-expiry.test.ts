import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type Change,
  type StorageBase,
  type StorageChange,
  StorageRuntime,
  type Store,
} from '../../src/index.ts'

const COUNT = 100_000
const HOUR_MS = 3_600_000

let plugin: MemoryStoragePlugin
/** The storage below the stores. It counts expired entries too. */
let storage: StorageBase

beforeEach(async () => {
  plugin = new MemoryStoragePlugin()
  storage = await plugin.open('n')
})
afterEach(() => void vi.useRealTimers())

function openStore(now?: () => number): Promise<Store<Record<string, number>>> {
  return new StorageRuntime(plugin, { now }).open<Record<string, number>>('n')
}

async function setMany(count: number, expires: number): Promise<void> {
  const changes = Array.from({ length: count }, (_, i): Change => {
    const key = `k${i}`
    return { key, entry: { value: i, version: key, expires }, bytes: 10 }
  })
  await storage.commit([changes])
}

async function keysOf(): Promise<string[]> {
  const keys: string[] = []
  for await (const key of storage.keys()) keys.push(key)
  return keys
}

test('entries that have expired are freed without a call, and no change is reported', async () => {
  vi.useFakeTimers()
  const store = await openStore()
  await store.set('stays', 1)
  await setMany(COUNT, Date.now() + 10)
  await store.set('later', 2, { ttl: HOUR_MS })
  const changes: StorageChange[] = []
  storage.watch?.((change) => changes.push(change))
  await vi.advanceTimersByTimeAsync(9)
  expect(await storage.len()).toBe(COUNT + 2)
  await vi.advanceTimersByTimeAsync(200)
  expect(await keysOf()).toEqual(['later', 'stays'])
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(await storage.len()).toBe(1)
  expect(changes).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('calls free what has expired where timers do not run, in steps of at most 10,000 entries', async () => {
  let now = Date.now()
  const store = await openStore(() => now)
  await setMany(COUNT, now + 10)
  const calls: (() => Promise<unknown>)[] = [
    () => store.get('k0'),
    () => store.set('stays', 1),
    () => store.increment('n'),
    () => store.keys().next(),
    () => store.records().next(),
    () => store.size(),
  ]
  let held = COUNT
  for (const call of calls) {
    now += 10
    await call()
    const left = (await keysOf()).length
    expect(held - left).toBeGreaterThan(9_000)
    expect(held - left).toBeLessThanOrEqual(10_000)
    held = left
  }
  for (let i = 0; i < 6; i++) {
    now += 10
    await store.get('k0')
  }
  expect((await keysOf()).toSorted()).toEqual(['n', 'stays'])
})

test('an entry is freed at its last expiry, not at an earlier one, and not before', async () => {
  vi.useFakeTimers()
  const store = await openStore()
  await store.set('prolonged', 1, { ttl: 100 })
  await store.set('unlimited', 1, { ttl: 100 })
  await store.set('shortened', 1, { ttl: HOUR_MS })
  await store.touch('prolonged', { ttl: 200 })
  await store.touch('unlimited', { expires: null })
  await vi.advanceTimersByTimeAsync(150)
  expect(await keysOf()).toEqual(['prolonged', 'shortened', 'unlimited'])
  await store.touch('shortened', { ttl: 20 })
  await vi.advanceTimersByTimeAsync(49)
  expect(await keysOf()).toEqual(['prolonged', 'unlimited'])
  await vi.advanceTimersByTimeAsync(20)
  expect(await keysOf()).toEqual(['unlimited'])
})

test('an entry that gets an earlier expiry during a round is freed in time', async () => {
  vi.useFakeTimers()
  const store = await openStore()
  await store.set('first', 1)
  await store.set('soon', 1, { ttl: 10 })
  await setMany(25_000, Date.now() + HOUR_MS)
  await vi.advanceTimersByTimeAsync(11)
  // The round has passed the key.
  await store.set('first', 2, { ttl: 5 })
  await vi.advanceTimersByTimeAsync(60)
  expect(await storage.get('first')).toBeUndefined()
})

test('a steady stream of short-lived entries holds a bounded number of them', async () => {
  vi.useFakeTimers()
  const store = await openStore()
  let most = 0
  for (let i = 0; i < 2000; i++) {
    await store.set(`k${i}`, i, { ttl: 5 })
    await vi.advanceTimersByTimeAsync(1)
    most = Math.max(most, await storage.len())
  }
  expect(most).toBeLessThan(40)
})

test('with a clock that stands still, a timer does not run again and again', async () => {
  vi.useFakeTimers()
  const store = await openStore(() => 1_000_000)
  await store.set('k', 1, { ttl: 10 })
  await vi.advanceTimersByTimeAsync(50)
  expect(vi.getTimerCount()).toBe(0)
})

test('with a clock that is slower than the timers, an entry is freed when that clock says so', async () => {
  vi.useFakeTimers()
  const start = Date.now()
  const store = await openStore(() => start + (Date.now() - start) / 2)
  await store.set('k', 1, { ttl: 100 })
  await vi.advanceTimersByTimeAsync(190)
  expect(await storage.len()).toBe(1)
  await vi.advanceTimersByTimeAsync(50)
  expect(await storage.len()).toBe(0)
})

test('entries are kept and freed where a timer cannot be set', async () => {
  vi.stubGlobal('setTimeout', () => {
    throw new Error('Disallowed operation called within global scope.')
  })
  try {
    let now = Date.now()
    const store = await openStore(() => now)
    await store.set('k', 1, { ttl: 10 })
    expect(await store.get('k')).toBe(1)
    now += 20
    await store.get('other')
    expect(await storage.len()).toBe(0)
  } finally {
    vi.unstubAllGlobals()
  }
})

test('an entry that expires does not keep a Node process running', () => {
  const memory = fileURLToPath(new URL('../../adapters/memory.ts', import.meta.url))
  const index = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
  const script = `
    import { StorageRuntime } from ${JSON.stringify(index)}
    import { MemoryStoragePlugin } from ${JSON.stringify(memory)}
    const store = await new StorageRuntime(new MemoryStoragePlugin()).open('n')
    await store.set('k', 1, { ttl: ${HOUR_MS} })
    process.stdout.write('done')`
  const args = ['--input-type=module', '--eval', script]
  expect(execFileSync(process.execPath, args, { timeout: 20_000 }).toString()).toBe('done')
})
