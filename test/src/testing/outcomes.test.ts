import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { StorageRuntime, type Store, StoreError } from '../../../src/index.ts'
import {
  CallHistory,
  type CallRecord,
  type RecordedStore,
  recordOutcomes,
} from '../../../src/testing/index.ts'

async function open(): Promise<Store> {
  return new StorageRuntime(new MemoryStoragePlugin()).open('Test')
}

async function record(): Promise<RecordedStore<Record<string, unknown>>> {
  return recordOutcomes(await open())
}

function fail(): never {
  throw new RangeError('no')
}

/** The only record without the fields that say who called and when. */
function only(records: readonly CallRecord[]): Partial<CallRecord> {
  expect(records).toHaveLength(1)
  const {
    client: _client,
    clock: _clock,
    called: _called,
    settled: _settled,
    ...rest
  } = records[0] as CallRecord
  return rest
}

test('a recorded store has the methods, the results and the properties of the store', async () => {
  const { store } = await record()
  await store.set('a', 1)
  await store.setMany(new Map([['b', 2]]))
  expect(await store.getMany(new Set(['a', 'b']))).toEqual(
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  )
  expect(await store.record('a')).toEqual({ value: 1 })
  expect(await store.update('a', (n) => (n as number) + 1)).toBe(2)
  expect(await store.mutable('c', (list) => (list as number[]).push(1), [])).toEqual([1])
  expect(await store.transaction(['a', 'b'], (tx) => [tx.get('a'), tx.has('b')])).toEqual([2, true])
  const entries: unknown[] = []
  for await (const entry of store) entries.push(entry)
  expect(entries).toEqual([
    ['a', 2],
    ['b', 2],
    ['c', [1]],
  ])
  expect(store.namespace).toBe('Test')
  expect(store.traits.atomic).toBe('instance')
  const watch = store.watch()
  await store.close()
  expect(await watch.next()).toEqual({ done: true, value: undefined })
  expect(store.isOpen).toBe(false)
})

test('a call is recorded with its client, its keys, its arguments and its result', async () => {
  const { store, records } = recordOutcomes(await open(), { client: 'tab 1' })
  await store.insert('a', { n: 1 }, { ttl: 5000 })
  expect(records).toEqual([
    {
      client: 'tab 1',
      clock: records[0]?.clock,
      called: 1,
      settled: 2,
      method: 'insert',
      keys: ['a'],
      args: ['a', { n: 1 }, { ttl: 5000 }],
      outcome: 'applied',
      result: true,
    },
  ])
})

test('values are recorded as they were at the time of the call', async () => {
  const { store, records } = await record()
  const list = [1]
  const writing = store.set('a', list)
  list.push(2)
  await writing
  const read = (await store.get('a')) as number[]
  read.push(3)
  expect(records.map(({ args, result }) => [args[1], result])).toEqual([
    [[1], undefined],
    [undefined, [1]],
  ])
})

test('each run of an updater is recorded with what it read and returned', async () => {
  const plugin = new MemoryStoragePlugin()
  const [first, second] = await Promise.all(
    [new StorageRuntime(plugin), new StorageRuntime(plugin)].map((runtime) => runtime.open('Test')),
  )
  const { store, records } = recordOutcomes(first as Store)
  await store.update('a', async (n = 0) => {
    if (n === 0) await second?.set('a', 5)
    return (n as number) + 1
  })
  expect(only(records)).toEqual({
    method: 'update',
    keys: ['a'],
    args: ['a', null],
    outcome: 'applied',
    result: 6,
    attempts: [
      { reads: [{ key: 'a' }], writes: [{ key: 'a', value: 1 }] },
      { reads: [{ key: 'a', value: 5 }], writes: [{ key: 'a', value: 6 }] },
    ],
  })
})

test('mutable() is recorded with its draft before and after', async () => {
  const { store, records } = await record()
  await store.mutable('a', (list) => (list as number[]).push(1), [0])
  expect(only(records)).toMatchObject({
    args: ['a', null, [0]],
    result: [0, 1],
    attempts: [{ reads: [{ key: 'a', value: [0] }], writes: [{ key: 'a', value: [0, 1] }] }],
  })
})

test('a transaction is recorded with its first read and its last write of each key', async () => {
  const { store, records } = await record()
  await store.transaction(['a', 'b', 'c', 'd'], (tx) => {
    tx.set('a', (tx.get('a') as number | undefined) ?? 1)
    tx.set('a', (tx.get('a') as number) + 1, { ttl: 1000 })
    tx.delete('b')
    tx.record('b')
    tx.has('c')
    tx.get('c')
  })
  expect(only(records)).toEqual({
    method: 'transaction',
    keys: ['a', 'b', 'c', 'd'],
    args: [['a', 'b', 'c', 'd'], null],
    outcome: 'applied',
    attempts: [
      {
        reads: [{ key: 'a' }, { key: 'c' }],
        writes: [{ key: 'a', value: 2, expires: true }, { key: 'b' }],
      },
    ],
  })
})

test('a listing is recorded when it ends, with the keys that it listed', async () => {
  const { store, records } = await record()
  await store.setMany({ a: 1, b: 2 })
  for await (const _ of store.keys({ prefix: 'a' }));
  for await (const _ of store.records()) break
  for await (const _ of store.entries({ limit: 5 }));
  const listings = records.slice(1).map(({ method, result, isComplete, outcome }) => {
    return { method, result, isComplete, outcome }
  })
  expect(listings).toEqual([
    { method: 'keys', result: [{ key: 'a', exists: true }], isComplete: true, outcome: 'applied' },
    { method: 'records', result: [{ key: 'a', value: 1 }], isComplete: false, outcome: 'applied' },
    {
      method: 'entries',
      result: [
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ],
      isComplete: false,
      outcome: 'applied',
    },
  ])
})

test('a rejected call has the outcome and the data of its error', async () => {
  const { store, records } = await record()
  const refused = store.set('a', () => 1)
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  expect(only(records)).toMatchObject({
    outcome: 'not-applied',
    error: { name: 'StoreError', code: 'INVALID_VALUE' },
  })
})

test('a call whose function throws was not applied, also if it throws an error of another call', async () => {
  const { store, records } = await record()
  const error = new StoreError('CONNECTION_LOST', 'of another store', { outcome: 'unknown' })
  await expect(store.update('a', () => Promise.reject(error))).rejects.toBe(error)
  await expect(store.transaction(['a'], fail)).rejects.toThrow('no')
  expect(records.map(({ outcome }) => outcome)).toEqual(['not-applied', 'not-applied'])
  expect(records[1]?.error).toEqual({ name: 'RangeError', message: 'no' })
})

test('an error that states no outcome leaves it unknown', async () => {
  const store = await open()
  store.set = () => Promise.reject(new TypeError('raw'))
  const recorded = recordOutcomes(store)
  await expect(recorded.store.set('a', 1)).rejects.toThrow('raw')
  expect(only(recorded.records)).toMatchObject({
    outcome: 'unknown',
    error: { name: 'TypeError', message: 'raw' },
  })
})

test('a call that has not settled has an unknown outcome', async () => {
  const { store, records } = await record()
  const writing = store.set('a', 1)
  expect(records[0]).toMatchObject({ outcome: 'unknown' })
  expect(records[0]).not.toHaveProperty('settled')
  await writing
  expect(records[0]).toMatchObject({ outcome: 'applied', settled: 2 })
})

test('the calls of several stores of one history have a common order', async () => {
  const history = new CallHistory()
  const [a, b] = await Promise.all(
    ['a', 'b'].map(async (client) => recordOutcomes(await open(), { client, history })),
  )
  await a?.store.set('k', 1)
  await b?.store.set('k', 2)
  const times = history.records.map(({ client, called, settled }) => [client, called, settled])
  expect(times).toEqual([
    ['a', 1, 2],
    ['b', 3, 4],
  ])
})

test('two histories have different clocks, unless they are given one', async () => {
  expect(new CallHistory().clock).not.toBe(new CallHistory().clock)
  const history = new CallHistory({ clock: 'shared', now: () => 7 })
  const { store, records } = recordOutcomes(await open(), { history })
  await store.get('a')
  expect(records[0]).toMatchObject({ clock: 'shared', called: 7, settled: 7 })
})

test('records are plain data that JSON and structured clone keep', async () => {
  const { store, records } = await record()
  await store.update('a', () => 1)
  await store.set('b', () => 1).catch(() => {})
  for await (const _ of store.entries());
  expect(JSON.parse(JSON.stringify(records))).toEqual(records)
  expect(structuredClone(records)).toEqual(records)
})

const noStore = { setMany: () => {} } as unknown as Store

test.each([
  [() => recordOutcomes(noStore, { client: 1 as never })],
  [() => recordOutcomes(noStore, { history: {} as never })],
  [() => recordOutcomes(undefined as never)],
  [() => recordOutcomes(Promise.resolve() as never)],
  [() => new CallHistory({ now: 5 as never })],
  [() => new CallHistory({ clok: 'a' } as never)],
])('wrong options are rejected: %s', (call) => {
  expect(call).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
})
