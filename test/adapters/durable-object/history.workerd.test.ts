import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import type { EntryTuple } from '../../../adapters/durable-object/tuples.ts'
import type { Change, Store } from '../../../src/index.ts'
import {
  objectOf,
  open,
  openStorage,
  recordCalls,
  recordReads,
  reset,
  setGroup,
  stepGroup,
  uniqueName,
} from './support/objects.ts'

const REMOVED = 'botshelf/1/-:'

/** Counts the calls of a method from now on. */
function countMethod(target: object, name: string, counts: Record<string, number>): void {
  const original = Reflect.get(target, name) as (...args: unknown[]) => unknown
  Object.defineProperty(target, name, {
    configurable: true,
    value: (...args: unknown[]) => {
      counts[name] = (counts[name] ?? 0) + 1
      return original.apply(target, args)
    },
  })
}

/** Counts the calls of the object's storage from now on. */
async function countCalls(namespace: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  await runInDurableObject(objectOf(namespace), (_, { storage }) => {
    for (const name of ['get', 'put', 'delete', 'list']) countMethod(storage.kv, name, counts)
    countMethod(storage, 'setAlarm', counts)
  })
  return counts
}

function stored(namespace: string, prefix: string): Promise<[string, EntryTuple][]> {
  return runInDurableObject(
    objectOf(namespace),
    (_, { storage }) => [...storage.kv.list({ prefix })] as [string, EntryTuple][],
  )
}

test('a write costs one put, and a removal a delete and a put', async () => {
  const namespace = uniqueName()
  const storage = await openStorage(namespace)
  await storage.commit([setGroup('k', 1), setGroup('n', 1), setGroup('r', 1), setGroup('p', 1)])
  const counts = await countCalls(namespace)
  const callsOf = async (run: () => Promise<unknown>): Promise<object> => {
    for (const name of Object.keys(counts)) delete counts[name]
    await run()
    return { ...counts }
  }
  // One `get` is for the mark that the index has the namespace.
  expect(await callsOf(() => storage.commit([setGroup('k', 2)]))).toEqual({ put: 1, get: 1 })
  const versions = [{ version: 'v1' }, { ifVersion: 'v1' }]
  const [first, next] = versions.map((options) => setGroup('u', 1, options)) as [Change[], Change[]]
  expect(await callsOf(() => storage.commit([first]))).toEqual({ put: 1, get: 1 })
  expect(await callsOf(() => storage.commit([next]))).toEqual({ put: 1, get: 2 })
  const increment = stepGroup('n', { kind: 'increment', by: 1 })
  expect(await callsOf(() => storage.perform([increment]))).toMatchObject({ put: 1 })
  expect(await callsOf(() => storage.perform([[{ key: 'r', remove: true }]]))).toEqual({
    delete: 1,
    put: 1,
    get: 2,
    setAlarm: 1,
  })
  expect(await callsOf(() => storage.perform([stepGroup('p', { kind: 'pop' })]))).toEqual({
    delete: 1,
    put: 1,
    get: 3,
  })
  expect(await callsOf(() => storage.perform([[{ key: 'none', remove: true }]]))).toEqual({
    delete: 1,
    get: 2,
  })
  expect(await callsOf(() => storage.perform([stepGroup('none', { kind: 'pop' })]))).toEqual({
    get: 3,
  })
})

test('many removals set one alarm, which removes what is kept of them after a minute', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  for (let i = 0; i < 20; i++) await store.set(`k${i}`, i)
  const counts = await countCalls(namespace)
  for (let i = 0; i < 20; i++) await store.pop(`k${i}`)
  expect(counts['setAlarm']).toBe(1)
  expect(await stored(namespace, REMOVED)).toHaveLength(20)
  expect(await store.size()).toBe(0)
  await runDurableObjectAlarm(objectOf(namespace))
  expect(await stored(namespace, REMOVED)).toHaveLength(20)
  expect(counts['setAlarm']).toBe(2)
  await runInDurableObject(objectOf(namespace), (_, { storage: { kv } }) => {
    for (const [name, entry] of kv.list({ prefix: REMOVED })) {
      const [value, id, bytes] = entry as EntryTuple
      kv.put(name, [value, id, bytes, undefined, Date.now() - 60_000])
    }
  })
  await runDurableObjectAlarm(objectOf(namespace))
  expect(await stored(namespace, REMOVED)).toEqual([])
  expect(counts['setAlarm']).toBe(2)
})

test('the alarm after a removal lists the entries once, and again only when one may have expired', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  await store.set('late', 1, { ttl: 3_600_000 })
  const listsOfAlarm = async (): Promise<number> => {
    await store.set('k', 1)
    await store.pop('k')
    await reset(namespace)
    const lists = await recordReads(namespace, 'list')
    await runDurableObjectAlarm(objectOf(namespace))
    return lists.filter((options) => JSON.stringify(options).includes('botshelf/1//:')).length
  }
  expect(await listsOfAlarm()).toBe(1)
  expect(await listsOfAlarm()).toBe(0)
  await store.set('later', 1, { ttl: 7_200_000 })
  expect(await listsOfAlarm()).toBe(0)
  await store.delete('late')
  await store.set('k', 1, { ttl: 1 })
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(objectOf(namespace))
    const keys = (await stored(namespace, 'botshelf/1//:')).map(([name]) => name)
    expect(keys).toEqual(['botshelf/1//:later'])
  })
  expect(await listsOfAlarm()).toBe(0)
  const alarm = await runInDurableObject(objectOf(namespace), (_, { storage }) =>
    storage.getAlarm(),
  )
  expect(alarm).toBeGreaterThan(Date.now())
})

test('an object of an earlier version removes what expires, although a removal is first', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  await store.set('late', 1, { ttl: 3_600_000 })
  await store.set('removed', 1)
  await runInDurableObject(objectOf(namespace), (_, { storage }) => {
    storage.kv.delete('botshelf/1/expiring')
  })
  await reset(namespace)
  await store.pop('removed')
  await runInDurableObject(objectOf(namespace), (_, { storage: { kv } }) => {
    for (const [name, entry] of kv.list({ prefix: REMOVED })) {
      const [value, id, bytes] = entry as EntryTuple
      kv.put(name, [value, id, bytes, undefined, Date.now() - 60_000])
    }
  })
  await runDurableObjectAlarm(objectOf(namespace))
  const alarm = await runInDurableObject(objectOf(namespace), (_, { storage }) =>
    storage.getAlarm(),
  )
  expect(alarm).toBeGreaterThan(Date.now() + 3_000_000)
})

test('the row of a hot key stays below 8 KB, and what it carries is not sent', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  for (let i = 0; i < 300; i++) await store.increment('n')
  const [[, entry] = []] = await stored(namespace, 'botshelf/1//:n')
  const [, result, earlier, results] = (entry?.[4] ?? []) as [number, number, string, number[]]
  // V8 writes a byte for each character, and up to three for each number.
  expect(earlier).toMatch(/^[^\u0100-\uffff]*$/)
  expect(earlier).toHaveLength(256 * 18)
  expect([result, ...results]).toEqual(Array.from({ length: 257 }, (_, i) => 300 - i))
  const stub = objectOf(namespace) as unknown as {
    call(message: object): Promise<{ entries: object }>
  }
  const reply = await stub.call({ v: 5, type: 'get', keys: ['n'] })
  expect(reply.entries).toEqual({
    values: [300],
    versions: [expect.any(String)],
    expires: [undefined],
  })
})

test('a cold key carries one earlier write, and a key that is only set carries none', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  for (let i = 0; i < 10; i++) {
    await store.increment('n')
    await store.set('k', i)
    await runInDurableObject(objectOf(namespace), (_, { storage: { kv } }) => {
      for (const [name, entry] of kv.list({ prefix: 'botshelf/1//:n' })) {
        const [value, version, bytes, , history] = entry as EntryTuple
        const [, ...rest] = history as readonly unknown[]
        kv.put(name, [value, version, bytes, undefined, [Date.now() - 60_000, ...rest]])
      }
    })
  }
  const entries = new Map(await stored(namespace, 'botshelf/1//:'))
  expect(entries.get('botshelf/1//:n')?.[4]).toEqual([
    expect.any(Number),
    10,
    expect.any(String),
    [9],
  ])
  expect(entries.get('botshelf/1//:k')?.[4]).toEqual(expect.any(Number))
})

test.each([
  ['clear()', (store: Store) => store.clear()],
  ['clear({ prefix })', (store: Store) => store.clear({ prefix: 'k' })],
])(
  'a write that %s removed does not come back when it is sent again after a reset',
  async (_, clear) => {
    const namespace = uniqueName()
    const other = await open(namespace)
    await other.set('other', 1)
    const seen: unknown[] = []
    const { binding } = recordCalls(async (message, call) => {
      const reply = await call()
      if (message.type !== 'commit') return reply
      seen.push(await other.get('k'))
      await clear(other)
      await reset(namespace)
      throw Object.assign(new Error('Network connection lost.'), { retryable: true })
    })
    const store = await open(namespace, {}, binding)
    await expect(store.set('k', 1)).rejects.toMatchObject({ outcome: 'unknown' })
    expect(seen).toEqual([1])
    expect(await other.get('k')).toBeUndefined()
    // Later writes are known again.
    expect(await (await open(namespace)).increment('k')).toBe(1)
  },
)
