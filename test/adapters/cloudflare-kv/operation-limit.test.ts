import { expect, test } from 'vitest'
import { errorOf } from '../../support/promises.ts'
import { numberedKeys, open, ScriptedKV, setChange } from './support/scripted-kv.ts'

test('a commit of 1,000 writes succeeds, and one of 1,001 rejects with RATE_LIMITED and writes nothing', async () => {
  const kv = new ScriptedKV()
  const { storage } = await open(kv)
  const writes = numberedKeys(1001).map((key) => [setChange(key)])
  const outcomes = await storage.commit(writes)
  expect(outcomes).toHaveLength(1001)
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({
      code: 'RATE_LIMITED',
      outcome: 'not-applied',
      retryable: false,
    })
  expect(kv.calls).toEqual([])
  expect(await storage.commit([numberedKeys(1001).map(setChange)])).toMatchObject([
    { code: 'RATE_LIMITED' },
  ])
  expect(kv.calls).toEqual([])
  expect(await storage.commit(writes.slice(1))).toEqual(writes.slice(1).map(() => 'applied'))
})

test('calls of one tick that need too many operations together are not retried one by one', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  const writes = await Promise.allSettled(
    numberedKeys(1001).flatMap((key) => [store.set(key, 1), store.set(key, 2)]),
  )
  expect(new Set(writes.map(({ status }) => status))).toEqual(new Set(['rejected']))
  expect(kv.calls).toEqual([])
  const reads = await Promise.allSettled(numberedKeys(100_001).map((key) => store.get(key)))
  expect(new Set(reads.map(({ status }) => status))).toEqual(new Set(['rejected']))
  expect(kv.calls).toEqual([])
})

test('a read of more than 100,000 keys rejects with RATE_LIMITED and reads nothing', async () => {
  const kv = new ScriptedKV()
  const { storage } = await open(kv)
  await storage.set('k0', { value: 1, version: 'v' })
  kv.calls.length = 0
  expect(await errorOf(storage.getMany(numberedKeys(100_001)))).toMatchObject({
    code: 'RATE_LIMITED',
  })
  expect(kv.calls).toEqual([])
  expect([...(await storage.getMany(numberedKeys(100_000))).keys()]).toEqual(['k0'])
})

test('clear() of more than 1,000 keys rejects with RATE_LIMITED and deletes nothing, but deleting in parts works', async () => {
  const kv = new ScriptedKV()
  const { store, storage } = await open(kv)
  for (const part of [0, 900]) {
    const keys = numberedKeys(1800).slice(part, part + 900)
    await storage.commit(keys.map((key) => [setChange(key)]))
  }
  kv.calls.length = 0
  const error = await errorOf(store.clear())
  expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'not-applied' })
  expect(error.message).toContain('Delete 900 of keys() in each request.')
  expect(kv.calls).toEqual(['list'])
  expect(kv.puts.size).toBe(1800)
  const some: string[] = []
  for await (const key of store.keys()) if (some.push(key) === 900) break
  await Promise.all(some.map((key) => store.delete(key)))
  await store.clear()
  expect(kv.puts.size).toBe(0)
})
