// What docs/backends.md says about lost updates on Workers KV, with the delays of Workers KV.
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../../adapters/cloudflare-kv.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import { checkHistory, staleKV, type StaleKVOptions } from '../../../src/testing/index.ts'
import { readContents, runHistory } from '../../histories/run-history.ts'

type Numbers = Store<Record<string, number>>

let time = Date.now()
let count = 0

const now = (): number => time

async function open(binding: object, namespace: string): Promise<Numbers> {
  const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding } })
  return new StorageRuntime(plugin, { allowLostUpdates: true, now }).open(namespace)
}

/** Opens a namespace at two locations, and past all delays. */
async function openTwo(
  options: StaleKVOptions = {},
): Promise<{ here: Numbers; there: Numbers; later: () => Promise<Numbers> }> {
  const kv = staleKV(env.BOT_KV, { now, ...options })
  const namespace = `stale-${count++}`
  return {
    here: await open(kv, namespace),
    there: await open(kv.location(), namespace),
    later: () => {
      time += 60_000
      return open(kv.location(), namespace)
    },
  }
}

async function collect(store: Numbers): Promise<string[]> {
  const keys: string[] = []
  for await (const key of store.keys()) keys.push(key)
  return keys
}

test('ten updates from two locations, one second apart, count to 6', async () => {
  const { here, there, later } = await openTwo()
  for (let i = 0; i < 10; i++) {
    await (i % 2 === 0 ? here : there).update('n', (n = 0) => n + 1)
    time += 1000
  }
  expect(await (await later()).get('n')).toBe(6)
})

test('ten updates from one location count to 10, or to 1 if it does not see its own writes', async () => {
  for (const [seesOwnWrites, expected] of [
    [true, 10],
    [false, 1],
  ] as const) {
    const { here, later } = await openTwo({ seesOwnWrites })
    for (let i = 0; i < 10; i++) {
      await here.increment('n')
      time += 1000
    }
    expect(await (await later()).get('n')).toBe(expected)
  }
})

test('ten updates from two locations, a minute apart, count to 10', async () => {
  const { here, there, later } = await openTwo()
  for (let i = 0; i < 10; i++) {
    await (i % 2 === 0 ? here : there).update('n', (n = 0) => n + 1)
    time += 60_000
  }
  expect(await (await later()).get('n')).toBe(10)
})

/** The methods that list nothing. */
const METHODS = [
  'get',
  'has',
  'getMany',
  'set',
  'delete',
  'setMany',
  'deleteMany',
  'insert',
  'getOrInsert',
  'increment',
  'append',
  'pop',
  'update',
] as const

test('the history of one location that sees its own writes has no violation, and that of two has', async () => {
  for (const clients of [1, 2]) {
    const kv = staleKV(env.BOT_KV, { now, listLagMs: 0, writesPerSecond: Infinity })
    const locations = [kv, kv.location()]
    const namespace = `stale-${count++}`
    const { records } = await runHistory({
      openStore: async (client) =>
        (await open(locations[client % 2] ?? kv, namespace)) as unknown as Store,
      clients,
      calls: 60,
      seed: 4,
      methods: METHODS,
    })
    time += 60_000
    const store = (await open(kv.location(), namespace)) as unknown as Store
    const violations = checkHistory(records, await readContents(store), { traits: store.traits })
    if (clients === 1) expect(violations).toEqual([])
    else expect(violations).toContainEqual(expect.objectContaining({ kind: 'impossible' }))
  }
})

test('clear() misses a key that was set just before', async () => {
  const { here, later } = await openTwo()
  await here.set('old', 1)
  time += 60_000
  await here.set('new', 1)
  time += 1000
  await here.clear()
  expect(await here.has('old')).toBe(false)
  expect(await collect(await later())).toEqual(['new'])
})

test('pop() gives one value to two callers, and insert() returns true to two', async () => {
  const { here, there } = await openTwo()
  await here.set('k', 7)
  expect([await here.get('k'), await there.get('k')]).toEqual([7, 7])
  time += 1000
  const popped = [await here.pop('k')]
  time += 1000
  popped.push(await there.pop('k'))
  expect(popped).toEqual([7, 7])
  await there.get('new')
  const inserted = [await here.insert('new', 1)]
  time += 1000
  inserted.push(await there.insert('new', 2))
  expect(inserted).toEqual([true, true])
})

test('an update() from another location undoes that a touch() prolonged the expiry', async () => {
  const { here, there, later } = await openTwo()
  await here.set('k', 1, { ttl: 90_000 })
  await there.get('k')
  await (await later()).get('k')
  time -= 59_000
  await here.touch('k', { ttl: 3_600_000 })
  time += 1000
  await there.update('k', (n = 0) => n + 1)
  time += 90_000
  expect(await (await later()).get('k')).toBeUndefined()
})

test('a write that another location made in the same second is retried a second later', async () => {
  const { here, there, later } = await openTwo({ now: Date.now })
  await here.set('k', 1)
  const start = Date.now()
  await there.set('k', 2)
  expect(Date.now() - start).toBeGreaterThanOrEqual(1000)
  expect(await (await later()).get('k')).toBe(2)
})

test('calls after the last operation of a request reject with RATE_LIMITED, and succeed in the next', async () => {
  const kv = staleKV(env.BOT_KV, { now, operationsPerRequest: 3 })
  const store = await open(kv, `stale-${count++}`)
  await store.setMany({ a: 1, b: 2, c: 3 })
  const refused = { code: 'RATE_LIMITED', outcome: 'not-applied', retryable: false }
  const calls = [
    () => store.set('d', 4),
    () => store.get('a'),
    () => store.getMany(['a', 'b']),
    () => store.update('a', () => 0),
    () => store.clear(),
    () => collect(store),
  ]
  for (const call of calls) await expect(call()).rejects.toMatchObject(refused)
  kv.nextRequest()
  expect(await store.getMany(['a', 'b', 'c', 'd'])).toEqual(
    new Map(Object.entries({ a: 1, b: 2, c: 3 })),
  )
})

test('clear() that reaches the limit midway is unknown, and says how many entries it removed', async () => {
  const kv = staleKV(env.BOT_KV, { now, operationsPerRequest: 8 })
  const store = await open(kv, `stale-${count++}`)
  await store.setMany(Array.from({ length: 8 }, (_, i) => [`k${i}`, i] as const))
  time += 60_000
  kv.nextRequest()
  for (let i = 0; i < 4; i++) await store.get(`k${i}`)
  await expect(store.clear()).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    outcome: 'unknown',
    message: expect.stringMatching(/^3 of 8 entries were removed, then: Workers KV: Too many API/),
  })
  time += 60_000
  kv.nextRequest()
  expect(await collect(store)).toHaveLength(5)
})
