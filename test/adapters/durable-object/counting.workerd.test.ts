import { expect, test } from 'vitest'
import { createPlugin, open, recordReads, uniqueName } from './support/objects.ts'

test('an object lists its entries once to count them, and updates the count with every kind of write', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  for (let i = 0; i < 10; i++) await store.set(`k${i}`, i)
  expect(await store.size()).toBe(10)
  const lists = await recordReads(namespace, 'list')
  await store.set('k0', 'again')
  await store.set('new', 1, { ttl: 60_000 })
  await store.delete('k1')
  await store.delete('missing')
  await store.setMany({ k2: 0, x: 1, y: 2 })
  await store.pop('k3')
  expect(await store.size()).toBe(11)
  expect(lists).toEqual([])
})

test('a write to a key that the object knows reads no value', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  for (const key of ['a', 'b']) await store.set(key, 'x'.repeat(1_000_000))
  expect(await store.size()).toBe(2)
  const reads = await recordReads(namespace, 'get')
  await store.set('a', 1)
  await store.set('new', 1)
  await store.set('new', 2)
  await store.delete('b')
  expect(reads.filter((name) => String(name).startsWith('botshelf/1//:'))).toEqual([
    'botshelf/1//:new',
  ])
  expect(await store.size()).toBe(2)
})

test('an object with more than 10,000 keys keeps the right count', async () => {
  const storage = await createPlugin().open(uniqueName())
  const write = (version: string): Promise<unknown> =>
    storage.commit(
      Array.from({ length: 10_500 }, (_, i) => [
        { key: `k${i}`, entry: { value: i, version: `${version}${i}` }, bytes: 4 },
      ]),
    )
  await write('a')
  expect(await storage.len()).toBe(10_500)
  await write('b')
  await storage.remove('k0')
  await storage.remove('k10499')
  await storage.set('k0', { value: 0, version: 'c' })
  expect(await storage.len()).toBe(10_499)
})

test('an object remembers at most 10,000 keys, and reads a forgotten one when it is written', async () => {
  const namespace = uniqueName()
  const storage = await createPlugin().open(namespace)
  await storage.commit(
    Array.from({ length: 10_500 }, (_, i) => [
      { key: `k${i}`, entry: { value: i, version: `${i}` }, bytes: 4 },
    ]),
  )
  expect(await storage.len()).toBe(10_500)
  const reads = await recordReads(namespace, 'get')
  // The object counted this key first, so it has forgotten it.
  await storage.set('k0', { value: 0, version: 'again' })
  expect(reads).toContain('botshelf/1//:k0')
})
