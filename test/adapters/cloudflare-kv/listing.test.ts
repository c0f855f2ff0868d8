import { expect, test } from 'vitest'
import type { KeysOptions, StorageBase } from '../../../src/index.ts'
import { errorOf } from '../../support/promises.ts'
import { open, ScriptedKV } from './support/scripted-kv.ts'

/** In the order of UTF-8; by code unit the emoji comes before U+FFFF. */
const SORTED = ['', 'a', 'a/1', 'a/2', 'b', 'é', '\uffff', '😀', '😀1']

const LARGE = 'x'.repeat(1100)

async function keysOf(storage: StorageBase, options?: KeysOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const [key] of storage.entries(options)) keys.push(key)
  const live: string[] = []
  for await (const key of storage.liveKeys(0, options)) live.push(key)
  expect(live).toEqual(keys)
  return keys
}

/** Writes `count` keys in ascending order, so that every third value needs a read. */
async function openWithNumbers(
  count: number,
): Promise<{ kv: ScriptedKV; storage: StorageBase; keys: string[] }> {
  const kv = new ScriptedKV()
  const { storage } = await open(kv)
  const keys = Array.from({ length: count }, (_, i) => `k${String(i).padStart(5, '0')}`)
  for (const [i, key] of keys.entries()) {
    await storage.set(key, { value: i % 3 === 0 ? LARGE : i, version: key })
  }
  kv.calls.length = 0
  return { kv, storage, keys }
}

test('a listing is in the order of UTF-8, whether values need a read or not', async () => {
  const { storage } = await open(new ScriptedKV())
  for (const [i, key] of SORTED.toReversed().entries()) {
    await storage.set(key, { value: i % 2 === 0 ? LARGE : i, version: key })
  }
  expect(await keysOf(storage)).toEqual(SORTED)
  expect(await keysOf(storage, { reverse: true })).toEqual(SORTED.toReversed())
  for (const [i, after] of SORTED.entries()) {
    expect(await keysOf(storage, { after })).toEqual(SORTED.slice(i + 1))
    const before = SORTED.slice(0, i).toReversed()
    expect(await keysOf(storage, { after, reverse: true })).toEqual(before)
  }
  expect(await keysOf(storage, { after: 'a/1x' })).toEqual(SORTED.slice(3))
  expect(await keysOf(storage, { prefix: 'a/', after: 'a/1' })).toEqual(['a/2'])
  expect(await keysOf(storage, { prefix: 'a', after: 'a/2', reverse: true })).toEqual(['a/1', 'a'])
})

test('a listing of small and large values keeps the order over several pages', async () => {
  const { kv, storage, keys } = await openWithNumbers(2500)
  expect(await keysOf(storage)).toEqual(keys)
  expect(kv.keysRead).toBe(834)
  expect(kv.callCount('bulk')).toBe(10)
  expect(await keysOf(storage, { reverse: true })).toEqual(keys.toReversed())
  expect(kv.callCount('bulk')).toBe(19)
})

test('a listing that ends at its limit lists and reads no more keys than that', async () => {
  const { kv, storage, keys } = await openWithNumbers(2500)
  const listed: string[] = []
  for await (const [key] of storage.entries({ limit: 30 })) if (listed.push(key) === 30) break
  expect(listed).toEqual(keys.slice(0, 30))
  expect(kv.calls).toEqual(['list', 'bulk'])
  expect(kv.keysListed).toBe(30)
  expect(kv.keysRead).toBe(10)
})

test('after a key and in reverse, a listing that ends at its limit reads no more values', async () => {
  const { kv, storage, keys } = await openWithNumbers(2500)
  const listed: string[] = []
  const options = { after: keys[2000], reverse: true, limit: 30 }
  for await (const [key] of storage.entries(options)) if (listed.push(key) === 30) break
  expect(listed).toEqual(keys.slice(1970, 2000).toReversed())
  expect(kv.keysRead).toBe(10)
})

test('a listing goes on after its limit, because the store leaves out expired entries', async () => {
  const { kv, storage, keys } = await openWithNumbers(1500)
  expect(await keysOf(storage, { limit: 10 })).toEqual(keys)
  // One page of 10 keys and two of up to 1,000, for the entries and for the live keys.
  expect(kv.callCount('list')).toBe(6)
})

test('clearPrefix() deletes the keys with the prefix in one listing, or none if there are too many', async () => {
  const kv = new ScriptedKV()
  const { storage } = await open(kv)
  for (const key of SORTED) await storage.set(key, { value: 1, version: key })
  await storage.clearPrefix('a/')
  expect(kv.calls.slice(SORTED.length)).toEqual(['list', 'delete', 'delete'])
  expect(await keysOf(storage)).toEqual(SORTED.filter((key) => !key.startsWith('a/')))
  for (let i = 0; i < 1000; i++) await storage.set(`a/${i}`, { value: 1, version: 'v' })
  kv.calls.length = 0
  expect(await errorOf(storage.clearPrefix('a/'))).toMatchObject({
    code: 'RATE_LIMITED',
    outcome: 'not-applied',
  })
  expect(kv.calls).toEqual(['list'])
})
