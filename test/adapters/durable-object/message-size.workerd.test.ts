import { expect, test } from 'vitest'
import { createPlugin, largeGroup, open, recordCalls, uniqueName } from './support/objects.ts'

test('entries that do not fit into one reply are requested with several messages', async () => {
  const namespace = uniqueName()
  const { binding, calls } = recordCalls()
  const store = await open(namespace, {}, binding)
  for (let i = 0; i < 24; i++) await store.set(`k${i}`, new Uint8Array(1_500_000).fill(i))
  calls.length = 0
  const storage = await createPlugin(binding).open(namespace)
  const found = await storage.getMany(Array.from({ length: 24 }, (_, i) => `k${i}`))
  expect(found.size).toBe(24)
  expect(calls.length).toBeGreaterThan(2)
  calls.length = 0
  let sum = 0
  for await (const [, value] of store) sum += (value as Uint8Array)[0] ?? 0
  expect(sum).toBe((23 * 24) / 2)
  expect(calls.length).toBeGreaterThan(2)
})

test('keys that do not fit into one message are sent in several', async () => {
  const namespace = uniqueName()
  const { binding, calls } = recordCalls()
  const storage = await createPlugin(binding).open(namespace)
  // Together 36 MB; the platform rejects a message of more than 32 MiB.
  const keys = Array.from({ length: 18_000 }, (_, i) => `${i}-`.padEnd(2000, 'k'))
  const existing = [0, 9_000, 17_999].map((i) => keys[i] ?? '')
  for (const key of existing) await storage.set(key, { value: key.length, version: 'v' })
  calls.length = 0
  const found = await storage.getMany(keys)
  expect([...found.keys()]).toEqual(existing)
  expect(calls.length).toBeGreaterThan(1)
  expect(new Set(calls)).toEqual(new Set(['get']))
})

test('a listing of many small entries has several pages', async () => {
  const namespace = uniqueName()
  const storage = await createPlugin().open(namespace)
  const total = 150_000
  for (let i = 0; i < total; i += 25_000) {
    const group = Array.from({ length: 25_000 }, (_, j) => ({
      key: `k${i + j}`,
      entry: { value: true, version: `version-${i + j}` },
      bytes: 8,
    }))
    expect(await storage.commit([group])).toEqual(['applied'])
  }
  const { binding, calls } = recordCalls()
  let count = 0
  for await (const _ of (await createPlugin(binding).open(namespace)).entries()) count++
  expect(count).toBe(total)
  expect(calls.length).toBeGreaterThan(1)
})

test('groups that do not fit into one message are sent in several', async () => {
  const { binding, calls } = recordCalls()
  const storage = await createPlugin(binding).open(uniqueName())
  const value = new Uint8Array(1_900_000)
  const groups = Array.from({ length: 15 }, (_, i) => [
    { key: `k${i}`, entry: { value, version: `v${i}` }, bytes: 1_900_100 },
  ])
  expect(await storage.commit(groups)).toEqual(groups.map(() => 'applied'))
  expect(calls.filter((type) => type === 'commit').length).toBeGreaterThan(2)
  expect(await storage.len()).toBe(15)
})

test('no message carries more than 24 MiB', async () => {
  const sizes: number[] = []
  const { binding } = recordCalls((message, call) => {
    let size = 0
    for (const bytes of message.changes?.bytes ?? []) size += bytes ?? 0
    sizes.push(size)
    return call()
  })
  const storage = await createPlugin(binding).open(uniqueName())
  // Both groups together are too large. An error in counting the first one would show here.
  await storage.commit([largeGroup('a', 7), largeGroup('b', 7)])
  // One more message adds the namespace to the index.
  expect(sizes.reduce((sum, each) => sum + each)).toBeGreaterThanOrEqual(14 * 1_900_000)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(24 * 1024 * 1024)
})

test('a group that does not fit into one message rejects with TOO_LARGE and is not sent', async () => {
  const { binding, calls } = recordCalls()
  const store = await open(uniqueName(), {}, binding)
  const group = Object.fromEntries(
    Array.from({ length: 17 }, (_, i) => [`k${i}`, new Uint8Array(1_500_000)]),
  )
  await expect(store.setMany(group)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    outcome: 'not-applied',
  })
  expect(calls).toEqual([])
})
