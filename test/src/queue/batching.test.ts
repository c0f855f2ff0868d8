import { describe, expect, test } from 'vitest'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import { nextTurn } from '../../fuzz/run-case.ts'
import {
  type CallKind,
  ModelPlugin,
  type ModelStorage,
  type ModelOptions,
} from '../../fuzz/model-storage.ts'
import { DAMAGED, REFUSED } from '../../fuzz/operations.ts'

async function open(
  options: Partial<ModelOptions> = {},
): Promise<{ store: Store; storage: ModelStorage }> {
  const plugin = new ModelPlugin(options)
  const store = await new StorageRuntime(plugin).open('n')
  return { store, storage: plugin.storage }
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** The number of calls by kind, without kinds that were not called. */
function counts({ calls }: ModelStorage): Partial<Record<CallKind, number>> {
  const found: Partial<Record<CallKind, number>> = {}
  for (const { kind } of calls) found[kind] = (found[kind] ?? 0) + 1
  return found
}

/** Waits for microtasks, and not for a turn of the event loop. */
async function microtasks(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

const plusOne = (n: unknown): number => (n === undefined ? 1 : (n as number) + 1)
const never = (): Promise<never> => new Promise(() => {})
const code = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value }),
    (error: { code: unknown }) => error.code,
  )

describe.each([true, false])('calls of one tick, with batchAcrossTicks: %s', (batchAcrossTicks) => {
  test('1,000 sets are one commit, without a read', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    await Promise.all(times(1000, (i) => store.set(`k${i}`, [i])))
    expect(counts(storage)).toEqual({ commit: 1 })
    expect(storage.map.size).toBe(1000)
  })

  test('1,000 gets, has and records of 500 keys are one read', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    await store.setMany(times(500, (i) => [`k${i}`, [i]] as const))
    storage.calls.length = 0
    const got = await Promise.all([
      ...times(500, (i) => store.get(`k${i}`)),
      ...times(250, (i) => store.has(`k${i}`)),
      ...times(250, (i) => store.record(`k${i}`)),
    ])
    expect(counts(storage)).toEqual({ getMany: 1 })
    expect(storage.calls[0]?.keys).toHaveLength(500)
    expect(got).toEqual([
      ...times(500, (i) => [i]),
      ...times(250, () => true),
      ...times(250, (i) => ({ value: [i] })),
    ])
  })

  test.each([
    ['transact', { transact: 1 }],
    ['commit', { getMany: 1, commit: 1 }],
  ] as const)('1,000 updates of 10 keys on a backend with %s are %o', async (backend, expected) => {
    const { store, storage } = await open({ batchAcrossTicks, backend })
    const results = await Promise.all(times(1000, (i) => store.update(`k${i % 10}`, plusOne)))
    expect(counts(storage)).toEqual(expected)
    expect(results).toEqual(times(1000, (i) => Math.floor(i / 10) + 1))
    expect([...storage.map.values()].map(({ value }) => value)).toEqual(times(10, () => 100))
  })

  test('async updaters that await nothing are one read and one commit', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    await Promise.all(times(100, (i) => store.update(`k${i % 10}`, async (n) => plusOne(n))))
    expect(counts(storage)).toEqual({ getMany: 1, commit: 1 })
    expect([...storage.map.values()].map(({ value }) => value)).toEqual(times(10, () => 10))
  })

  test('setMany, set and delete are one commit', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    await Promise.all([
      store.set('a', 1),
      store.setMany({ b: 2, c: 2 }),
      store.delete('d'),
      store.set('e', 3),
    ])
    expect(counts(storage)).toEqual({ commit: 1 })
    // A setMany is one group; the other writes are groups of their own.
    const groups = storage.calls[0]?.groups.map((group) => group.map(({ key }) => key))
    expect(new Set(groups)).toEqual(new Set([['a'], ['b', 'c'], ['d'], ['e']]))
  })

  test('several sets of a key are one write, of the last value', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    await Promise.all([store.set('k', 1), store.set('k', 2), store.set('k', 3)])
    const written = storage.calls.flatMap(({ groups }) => groups.flat())
    expect(written).toMatchObject([{ key: 'k', entry: { value: 3 } }])
  })

  test('a get after a set needs no read', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const results = await Promise.all([store.set('k', [1]), store.get('k'), store.has('k')])
    expect(results).toEqual([undefined, [1], true])
    expect(counts(storage)).toEqual({ commit: 1 })
  })

  test('a single call reaches the storage before the next turn of the event loop', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    void store.get('k')
    await microtasks()
    expect(counts(storage)).toEqual({ getMany: 1 })
    void store.set('k', 1)
    await microtasks()
    expect(counts(storage)).toEqual({ getMany: 1, commit: 1 })
  })

  test('an invalid value, an invalid key or a throwing updater rejects only its own call', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const own = new Error('mine')
    const results = await Promise.all(
      [
        store.set('a', 1),
        store.set('a', () => 2),
        store.set('\ud800', 3),
        store.update('b', () => {
          throw own
        }),
        store.update('b', plusOne),
        store.update('b', (): unknown => never),
        store.set('c', 4),
      ].map(code),
    )
    expect(results).toEqual([
      { value: undefined },
      'INVALID_VALUE',
      'INVALID_KEY',
      undefined,
      { value: 1 },
      'INVALID_VALUE',
      { value: undefined },
    ])
    expect(counts(storage)).toEqual({ getMany: 1, commit: 1 })
    expect(Object.fromEntries([...storage.map].map(([key, { value }]) => [key, value]))).toEqual({
      a: 1,
      b: 1,
      c: 4,
    })
  })

  test('a refused group rejects only its own call, in one commit', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const results = await Promise.all(
      times(20, (i) => code(store.set(`k${i}`, [i === 7 ? REFUSED : i]))),
    )
    expect(results.filter((result) => result === 'TOO_LARGE')).toHaveLength(1)
    expect(results[7]).toBe('TOO_LARGE')
    expect(storage.map.size).toBe(19)
    expect(counts(storage)).toEqual({ commit: 1 })
  })

  test('a refused write rejects only its own call among writes of its key', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const results = await Promise.all([
      code(store.set('k', [1])),
      code(store.update('k', (list) => [...(list as number[]), REFUSED])),
      code(store.update('k', (list) => [...(list as number[]), 3])),
      code(store.get('k')),
    ])
    expect(results).toEqual([
      { value: undefined },
      'TOO_LARGE',
      { value: [1, 3] },
      { value: [1, 3] },
    ])
    expect(storage.map.get('k')?.value).toEqual([1, 3])
    // One commit more than operations: the halves of the refused commit are refused or stored apart,
    // and the half that is refused is split again.
    expect(storage.count('commit')).toBeLessThanOrEqual(5)
  })

  test('a single write that is refused is not retried', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    expect(await code(store.set('k', [REFUSED]))).toBe('TOO_LARGE')
    expect(counts(storage)).toEqual({ commit: 1 })
  })

  test('an unreadable entry rejects only its own reader, in a few reads', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    await store.setMany(times(20, (i) => [`k${i}`, i] as const))
    storage.calls.length = 0
    const results = await Promise.all([
      ...times(20, (i) => code(store.get(`k${i}`))),
      code(store.get(DAMAGED)),
    ])
    expect(results).toEqual([...times(20, (value) => ({ value })), 'CORRUPT'])
    // Each failed read is split in halves: 1 + 2 * ceil(log2(21)) reads, where reading each key alone
    // took 22.
    expect(storage.count('getMany')).toBeLessThanOrEqual(11)
  })

  test('an unreadable entry can be overwritten in the tick in which it is read', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const results = await Promise.all([
      code(store.get(DAMAGED)),
      code(store.update(DAMAGED, plusOne)),
      code(store.set(DAMAGED, 1)),
    ])
    expect(results).toEqual(['CORRUPT', 'CORRUPT', { value: undefined }])
    expect(storage.map.get(DAMAGED)?.value).toBe(1)
  })

  test('a failed transaction does not reject a get of the same key', async () => {
    const { store } = await open({
      batchAcrossTicks,
      backend: 'transact',
      faults: [{ on: 'write', nth: 0, kind: 'nonsense' }],
    })
    const results = await Promise.all([code(store.get('k')), code(store.update('k', plusOne))])
    // The batch is split after the failure, so the update runs again alone and succeeds.
    expect(results).toEqual([{ value: undefined }, { value: 1 }])
  })

  test('a transaction that fails twice rejects its update, and not a get of the same key', async () => {
    const { store } = await open({
      batchAcrossTicks,
      backend: 'transact',
      faults: [0, 1].map((nth) => ({ on: 'write', nth, kind: 'nonsense' }) as const),
    })
    const results = await Promise.all([code(store.get('k')), code(store.update('k', plusOne))])
    expect(results).toEqual([{ value: undefined }, 'BACKEND_ERROR'])
  })

  test('a lost connection rejects the updates of a transaction, and not a get of the same key', async () => {
    const { store, storage } = await open({
      batchAcrossTicks,
      backend: 'transact',
      faults: [0, 1].map((nth) => ({ on: 'write', nth, kind: 'lost' }) as const),
    })
    const results = await Promise.all([
      code(store.update('k', () => undefined)),
      code(store.update('k', () => undefined)),
      code(store.get('k')),
    ])
    expect(results).toEqual(['CONNECTION_LOST', 'CONNECTION_LOST', { value: undefined }])
    // The first half is two updates. They have the same error, so they are not split further.
    expect(counts(storage)).toEqual({ transact: 2, getMany: 1 })
  })

  test('one refused write among 1,000 writes of a key is found by halving', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const results = await Promise.all(
      times(1000, (i) =>
        i === 700
          ? code(store.update('k', () => [REFUSED]))
          : code(store.update('k', (list) => [...((list as number[] | undefined) ?? []), i])),
      ),
    )
    expect(results.filter((result) => result === 'TOO_LARGE')).toHaveLength(1)
    expect(results[700]).toBe('TOO_LARGE')
    expect(storage.map.get('k')?.value).toHaveLength(999)
    // A failed and a successful half at each of 10 levels.
    expect(storage.count('commit')).toBeLessThanOrEqual(21)
  })

  test('an update after a set does not depend on what is stored, not even after a get', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    await store.set('k', 1)
    storage.calls.length = 0
    await Promise.all([store.get('k'), store.set('k', 5), store.update('k', plusOne)])
    expect(storage.map.get('k')?.value).toBe(6)
    const [change] = storage.calls.flatMap(({ groups }) => groups.flat())
    expect(change).not.toHaveProperty('ifVersion')
  })

  test('every reader gets its own copy', async () => {
    const { store } = await open({ batchAcrossTicks })
    await store.set('k', { list: [1] })
    type Shape = { list: number[] }
    const [one, , three, four] = (await Promise.all([
      store.get('k'),
      store.mutable('k', (draft) => (draft as Shape).list.push(2)),
      store.get('k'),
      store.get('k'),
    ])) as [Shape, Shape, Shape, Shape]
    expect(one).toEqual({ list: [1] })
    three.list.push(99)
    expect(four).toEqual({ list: [1, 2] })
    expect(await store.get('k')).toEqual({ list: [1, 2] })
  })

  test('calls before and after a clear keep their order', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const results = await Promise.all([
      store.set('a', 1),
      store.set('b', 1),
      store.clear(),
      store.get('a'),
      store.set('b', 2),
      store.set('c', 2),
    ])
    expect(results[3]).toBeUndefined()
    expect([...storage.map.keys()].toSorted()).toEqual(['b', 'c'])
    const order = storage.calls.map(({ kind }) => kind).filter((kind) => kind !== 'getMany')
    expect(order).toEqual(['commit', 'clear', 'commit'])
  })

  test('a slow updater delays no other call, on its key or another', async () => {
    const { store } = await open({ batchAcrossTicks })
    const slow = store.update('k', never)
    void slow
    const results = await Promise.all([
      store.get('k'),
      store.set('k', 10),
      store.update('k', plusOne),
      store.update('other', plusOne),
    ])
    expect(results).toEqual([undefined, undefined, 11, 1])
    expect(await store.update('k', plusOne)).toBe(12)
  })

  test("updaters may await reads of each other's keys", async () => {
    const { store } = await open({ batchAcrossTicks })
    await store.setMany({ a: 1, b: 1 })
    const results = await Promise.all([
      store.update('a', async (n) => plusOne(await store.get('b')) + plusOne(n)),
      store.update('b', async (n) => plusOne(await store.get('a')) + plusOne(n)),
    ])
    for (const result of results) expect(result).toBeGreaterThanOrEqual(4)
  })
})

describe('calls while a batch is running', () => {
  test('form one next batch, with batchAcrossTicks: true', async () => {
    const { store, storage } = await open({ batchAcrossTicks: true })
    const { promise: gate, resolve: go } = Promise.withResolvers<void>()
    storage.gate = () => gate
    const first = store.set('first', 1)
    await microtasks()
    const later: Promise<unknown>[] = []
    for (let i = 0; i < 10; i++) {
      later.push(store.set(`k${i}`, i))
      await nextTurn()
    }
    expect(counts(storage)).toEqual({ commit: 1 })
    go()
    await Promise.all([first, ...later])
    expect(counts(storage)).toEqual({ commit: 2 })
    expect(storage.map.size).toBe(11)
  })

  test('do not wait for it, with batchAcrossTicks: false', async () => {
    const { store, storage } = await open({ batchAcrossTicks: false })
    await store.setMany({ k: 1, other: 1 })
    storage.gate = never
    void store.set('k', 2)
    void store.update('k', plusOne)
    void store.get('other')
    void store.clear()
    void store.size()
    await microtasks()
    storage.gate = undefined
    // The write was stored; only its answer is missing.
    const { value: before } = storage.map.get('k') ?? { value: undefined }
    const results = await Promise.all([
      store.update('k', plusOne),
      store.set('other', 3),
      store.get('other'),
      store.size(),
    ])
    expect(results).toEqual([plusOne(before), undefined, 3, 2])
    await store.clear()
    expect(await store.size()).toBe(0)
  })

  test('write the same key after it, with batchAcrossTicks: true', async () => {
    // The first call takes effect at its end, so that a second one could overtake it.
    const { store, storage } = await open({
      latencies: [
        { wait: 20, takesEffectAtEnd: true },
        { wait: 0, takesEffectAtEnd: false },
      ],
    })
    const first = store.set('k', 1)
    await Promise.resolve()
    await Promise.all([first, store.set('k', 2)])
    expect(storage.map.get('k')?.value).toBe(2)
  })
})
