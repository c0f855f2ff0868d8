import { expect, test } from 'vitest'
import { errorOf } from '../../support/promises.ts'
import { numberedKeys, open, ScriptedKV, setChange } from './support/scripted-kv.ts'

const LIMIT_REACHED = 'Too many API requests by single Worker invocation.'

test('listing 10,000 small entries takes 10 calls, and so does reading 1,000 keys', async () => {
  const kv = new ScriptedKV()
  const { store, storage } = await open(kv)
  for (let i = 0; i < 10_000; i++) await store.set(`k${i}`, i)
  kv.calls.length = 0
  let count = 0
  for await (const _ of store) count++
  expect(count).toBe(10_000)
  expect(kv.calls).toEqual(Array.from({ length: 10 }, () => 'list'))
  kv.calls.length = 0
  expect((await storage.getMany(numberedKeys(1000))).size).toBe(1000)
  expect(kv.calls).toEqual(Array.from({ length: 10 }, () => 'bulk'))
})

test('a key that the result of a bulk get lacks is read alone', async () => {
  const kv = new ScriptedKV()
  kv.hidden = 'botshelf/n:__proto__'
  const { store, storage } = await open(kv)
  await store.set('__proto__', 1)
  await store.set('a', 2)
  expect([...(await storage.getMany(['a', '__proto__', 'b'])).keys()]).toEqual(['a', '__proto__'])
  expect(kv.calls.slice(-2)).toEqual(['bulk', 'get'])
})

test('a bulk get that is too large is split into halves', async () => {
  const kv = new ScriptedKV()
  const { store, storage } = await open(kv)
  for (let i = 0; i < 8; i++) await store.set(`k${i}`, i)
  kv.maxBulkKeys = 3
  expect((await storage.getMany(numberedKeys(8))).size).toBe(8)
})

test('a read that fails rejects, and does not report a missing key', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  kv.fail = () => new Error('KV GET failed: 500 Internal Error')
  expect(await errorOf(store.get('k'))).toMatchObject({ code: 'CONNECTION_LOST' })
})

test('a listing reads values that are not in the metadata ahead, with at most three bulk gets', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  for (const key of numberedKeys(1000)) await store.set(key, 'x'.repeat(1100))
  kv.calls.length = 0
  const ahead: number[] = []
  let yielded = 0
  for await (const _ of store) {
    const bulkGets = kv.callCount('bulk')
    if (yielded++ % 100 === 0) ahead.push(bulkGets - yielded / 100)
  }
  expect(yielded).toBe(1000)
  expect(ahead.map(Math.ceil)).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 2, 1])
})

test('ending a listing early causes no unhandled rejection', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  for (const key of numberedKeys(400)) await store.set(key, 'x'.repeat(1100))
  kv.fail = (call, count) => (call === 'bulk' && count > 1 ? new Error('late') : undefined)
  for await (const _ of store) break
  // An unhandled rejection would fail the run.
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(kv.callCount('bulk')).toBe(3)
})

test('a listing whose second page fails yields the first page, then rejects', async () => {
  const kv = new ScriptedKV()
  const { store, storage } = await open(kv)
  for (const part of [0, 1000])
    await storage.commit(
      numberedKeys(2000)
        .slice(part, part + 1000)
        .map((key) => [setChange(key)]),
    )
  kv.fail = (call, count) => (call === 'list' && count === 2 ? new Error(LIMIT_REACHED) : undefined)
  let yielded = 0
  const listing = async (): Promise<void> => {
    for await (const _ of store) yielded++
  }
  expect(await errorOf(listing())).toMatchObject({ code: 'RATE_LIMITED', namespace: 'n' })
  expect(yielded).toBe(1000)
})
