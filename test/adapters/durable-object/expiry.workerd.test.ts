import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import { StorageRuntime } from '../../../src/index.ts'
import {
  createPlugin,
  listNamespaces,
  objectOf,
  open,
  reset,
  uniqueName,
} from './support/objects.ts'

test.each([0, -5, 1e300, Date.UTC(2500, 0)])(
  'a write with an expiry that no alarm can have (%d) succeeds, and so does its batch',
  async (expires) => {
    const namespace = uniqueName()
    const store = await open(namespace)
    const [, popped] = await Promise.all([
      store.set('kept', 1),
      store.pop('nothing'),
      store.set('odd', 2, { expires }),
    ])
    expect(popped).toBeUndefined()
    expect(await store.get('kept')).toBe(1)
    expect(await store.get('odd')).toBe(expires > Date.now() ? 2 : undefined)
    expect(await listNamespaces(createPlugin())).toContain(namespace)
    const both = await Promise.all([store.set('odd', 3, { expires }), store.pop('kept')])
    expect(both).toEqual([undefined, 1])
  },
)

test('the alarm removes expired entries and keeps the rest', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  await store.set('stays', 1)
  await store.set('late', 1, { ttl: 120_000 })
  await store.set('soon', 1, { ttl: 60_000 })
  const alarm = await runInDurableObject(objectOf(namespace), (_, state) =>
    state.storage.getAlarm(),
  )
  expect(alarm).toBeLessThan(Date.now() + 61_000)
  expect(alarm).toBeGreaterThan(Date.now() + 50_000)
  await store.set('sooner', 1, { ttl: 1 })
  await new Promise((resolve) => setTimeout(resolve, 5))
  await runDurableObjectAlarm(objectOf(namespace))
  const kept = await runInDurableObject(objectOf(namespace), (_, state) =>
    [...state.storage.kv.list({ prefix: 'botshelf/1//:' })].map(([key]) => key),
  )
  expect(kept).toEqual(['botshelf/1//:late', 'botshelf/1//:soon', 'botshelf/1//:stays'])
  expect(
    await runInDurableObject(objectOf(namespace), (_, state) => state.storage.getAlarm()),
  ).toBeGreaterThan(Date.now() + 50_000)
  expect(await store.size()).toBe(3)
})

test('the alarm removes what expires, also if an earlier version stored it', async () => {
  const namespace = uniqueName()
  await (await open(namespace)).set('k', 1, { ttl: 1 })
  await runInDurableObject(objectOf(namespace), async (_, { storage }) => {
    storage.kv.delete('botshelf/1/expiring')
    await storage.setAlarm(Date.now() + 60_000)
  })
  await reset(namespace)
  await runDurableObjectAlarm(objectOf(namespace))
  const kept = await runInDurableObject(objectOf(namespace), (_, { storage }) => [
    ...storage.kv.list({ prefix: 'botshelf/1//:' }),
  ])
  expect(kept).toEqual([])
})

test('inside an object, a store changes neither the alarm nor other data', async () => {
  const host = env.HOST.getByName(uniqueName())
  const left = await runInDurableObject(host, async (_, { storage }) => {
    await storage.setAlarm(Date.now() + 3_600_000)
    storage.kv.put('mine', 1)
    storage.sql.exec('CREATE TABLE notes (text TEXT)')
    const before = await storage.getAlarm()
    const runtime = new StorageRuntime(
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } }),
    )
    const store = await runtime.open('n')
    await store.set('k', 1, { ttl: 5 })
    await store.clear()
    await runtime.close()
    return {
      alarm: (await storage.getAlarm()) === before,
      mine: storage.kv.get('mine'),
      tables: storage.sql.exec('SELECT * FROM notes').toArray(),
    }
  })
  expect(left).toEqual({ alarm: true, mine: 1, tables: [] })
})

test('inside an object, size() opens a transaction only if it removes several entries', async () => {
  const host = env.HOST.getByName(uniqueName())
  const counts = await runInDurableObject(host, async (_, { storage }) => {
    let transactions = 0
    let time = Date.now()
    const counted = new Proxy(storage, {
      get(object, name) {
        if (name === 'transactionSync') transactions++
        const member: unknown = Reflect.get(object, name)
        return typeof member === 'function' ? (member.bind(object) as unknown) : member
      },
    })
    const runtime = new StorageRuntime(
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage: counted } }),
      { now: () => time },
    )
    const store = await runtime.open('n')
    const countExpired = async (expired: number): Promise<number> => {
      for (let i = 0; i < expired; i++) await store.set(`k${i}`, 1, { ttl: 5 })
      time += 5
      transactions = 0
      expect(await store.size()).toBe(0)
      return transactions
    }
    return [await countExpired(0), await countExpired(1), await countExpired(2)]
  })
  expect(counts).toEqual([0, 0, 1])
})
