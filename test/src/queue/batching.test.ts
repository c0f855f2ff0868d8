import { describe, expect, test } from 'vitest'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import { turn } from '../../fuzz/burst.ts'
import {
  type CallKind,
  ModelPlugin,
  type ModelStorage,
  type Plan,
} from '../../fuzz/model-storage.ts'
import { DAMAGED, REFUSED } from '../../fuzz/operations.ts'

async function open(plan: Partial<Plan> = {}): Promise<{ store: Store; storage: ModelStorage }> {
  const plugin = new ModelPlugin(plan)
  const store = await new StorageRuntime(plugin).open('n')
  return { store, storage: plugin.storage }
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** How often the storage was asked, by kind; what it was not asked is left out. */
function counts({ calls }: ModelStorage): Partial<Record<CallKind, number>> {
  const found: Partial<Record<CallKind, number>> = {}
  for (const { kind } of calls) found[kind] = (found[kind] ?? 0) + 1
  return found
}

/** The values of one tick's microtasks, none of which is a turn of the event loop. */
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

describe.each([true, false])('what is issued in one tick, with gather: %s,', (gather) => {
  test('is one commit and no read, for 1000 sets', async () => {
    const { store, storage } = await open({ gather })
    await Promise.all(times(1000, (i) => store.set(`k${i}`, [i])))
    expect(counts(storage)).toEqual({ commit: 1 })
    expect(storage.map.size).toBe(1000)
  })

  test('is one read, for 1000 gets, has and records of 500 keys', async () => {
    const { store, storage } = await open({ gather })
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
  ] as const)(
    'is, for 1000 updates of 10 keys on a backend with %s, %o',
    async (backend, asked) => {
      const { store, storage } = await open({ gather, backend })
      const results = await Promise.all(times(1000, (i) => store.update(`k${i % 10}`, plusOne)))
      expect(counts(storage)).toEqual(asked)
      expect(results).toEqual(times(1000, (i) => Math.floor(i / 10) + 1))
      expect([...storage.map.values()].map(({ value }) => value)).toEqual(times(10, () => 100))
    },
  )

  test('is one read and one commit, for async functions that await nothing', async () => {
    const { store, storage } = await open({ gather })
    await Promise.all(times(100, (i) => store.update(`k${i % 10}`, async (n) => plusOne(n))))
    expect(counts(storage)).toEqual({ getMany: 1, commit: 1 })
    expect([...storage.map.values()].map(({ value }) => value)).toEqual(times(10, () => 10))
  })

  test('is one commit, for setMany, single sets and deletes', async () => {
    const { store, storage } = await open({ gather })
    await Promise.all([
      store.set('a', 1),
      store.setMany({ b: 2, c: 2 }),
      store.delete('d'),
      store.set('e', 3),
    ])
    expect(counts(storage)).toEqual({ commit: 1 })
    // What goes together stays one group; what does not is not bound to it.
    const groups = storage.calls[0]?.groups.map((group) => group.map(({ key }) => key))
    expect(new Set(groups)).toEqual(new Set([['a'], ['b', 'c'], ['d'], ['e']]))
  })

  test('writes a key once, with the last of its values', async () => {
    const { store, storage } = await open({ gather })
    await Promise.all([store.set('k', 1), store.set('k', 2), store.set('k', 3)])
    const written = storage.calls.flatMap(({ groups }) => groups.flat())
    expect(written).toMatchObject([{ key: 'k', entry: { value: 3 } }])
  })

  test('needs no read for a get behind a set', async () => {
    const { store, storage } = await open({ gather })
    const results = await Promise.all([store.set('k', [1]), store.get('k'), store.has('k')])
    expect(results).toEqual([undefined, [1], true])
    expect(counts(storage)).toEqual({ commit: 1 })
  })

  test('goes out before the next turn of the event loop, if it is a single call', async () => {
    const { store, storage } = await open({ gather })
    void store.get('k')
    await microtasks()
    expect(counts(storage)).toEqual({ getMany: 1 })
    void store.set('k', 1)
    await microtasks()
    expect(counts(storage)).toEqual({ getMany: 1, commit: 1 })
  })

  test('rejects a bad value, a bad key and a function that throws by themselves', async () => {
    const { store, storage } = await open({ gather })
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

  test('rejects what the storage refuses by itself, in one commit', async () => {
    const { store, storage } = await open({ gather })
    const results = await Promise.all(
      times(20, (i) => code(store.set(`k${i}`, [i === 7 ? REFUSED : i]))),
    )
    expect(results.filter((result) => result === 'TOO_LARGE')).toHaveLength(1)
    expect(results[7]).toBe('TOO_LARGE')
    expect(storage.map.size).toBe(19)
    expect(counts(storage)).toEqual({ commit: 1 })
  })

  test('rejects what the storage refuses by itself among writes of its key, in as many commits at most', async () => {
    const { store, storage } = await open({ gather })
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
    expect(storage.count('commit')).toBeLessThanOrEqual(4)
  })

  test('is not made again where it was refused alone', async () => {
    const { store, storage } = await open({ gather })
    expect(await code(store.set('k', [REFUSED]))).toBe('TOO_LARGE')
    expect(counts(storage)).toEqual({ commit: 1 })
  })

  test('rejects the reader of an entry that cannot be read by itself, in a few reads', async () => {
    const { store, storage } = await open({ gather })
    await store.setMany(times(20, (i) => [`k${i}`, i] as const))
    storage.calls.length = 0
    const results = await Promise.all([
      ...times(20, (i) => code(store.get(`k${i}`))),
      code(store.get(DAMAGED)),
    ])
    expect(results).toEqual([...times(20, (value) => ({ value })), 'CORRUPT'])
    expect(storage.count('getMany')).toBeLessThanOrEqual(22)
  })

  test('writes an entry that cannot be read, whoever tries to read it before', async () => {
    const { store, storage } = await open({ gather })
    const results = await Promise.all([
      code(store.get(DAMAGED)),
      code(store.update(DAMAGED, plusOne)),
      code(store.set(DAMAGED, 1)),
    ])
    expect(results).toEqual(['CORRUPT', 'CORRUPT', { value: undefined }])
    expect(storage.map.get(DAMAGED)?.value).toBe(1)
  })

  test('rejects a step whose transaction failed, and not the get that it shares a key with', async () => {
    const { store } = await open({
      gather,
      backend: 'transact',
      faults: [{ on: 'write', nth: 0, kind: 'nonsense' }],
    })
    const results = await Promise.all([code(store.get('k')), code(store.update('k', plusOne))])
    expect(results).toEqual([{ value: undefined }, 'BACKEND_ERROR'])
  })

  test('gives every reader a copy of its own', async () => {
    const { store } = await open({ gather })
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

  test('keeps its order around a clear', async () => {
    const { store, storage } = await open({ gather })
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

  test('does not wait for a function that takes its time, on its key or another', async () => {
    const { store } = await open({ gather })
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

  test('may wait for each other within functions, on one key after the other', async () => {
    const { store } = await open({ gather })
    await store.setMany({ a: 1, b: 1 })
    const results = await Promise.all([
      store.update('a', async (n) => plusOne(await store.get('b')) + plusOne(n)),
      store.update('b', async (n) => plusOne(await store.get('a')) + plusOne(n)),
    ])
    for (const result of results) expect(result).toBeGreaterThanOrEqual(4)
  })
})

describe('while a batch is under way', () => {
  test('what comes gathers into one next batch, with gather: true', async () => {
    const { store, storage } = await open({ gather: true })
    const { promise: gate, resolve: go } = Promise.withResolvers<void>()
    storage.gate = () => gate
    const first = store.set('first', 1)
    await microtasks()
    const later: Promise<unknown>[] = []
    for (let i = 0; i < 10; i++) {
      later.push(store.set(`k${i}`, i))
      await turn()
    }
    expect(counts(storage)).toEqual({ commit: 1 })
    go()
    await Promise.all([first, ...later])
    expect(counts(storage)).toEqual({ commit: 2 })
    expect(storage.map.size).toBe(11)
  })

  test('that never ends, no other tick waits for it, with gather: false', async () => {
    const { store, storage } = await open({ gather: false })
    await store.setMany({ k: 1, other: 1 })
    storage.gate = never
    void store.set('k', 2)
    void store.update('k', plusOne)
    void store.get('other')
    void store.clear()
    void store.size()
    await microtasks()
    storage.gate = undefined
    // That write was made, and only its answer is missing.
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

  test('a write of the same key in the next tick comes after it, with gather: true', async () => {
    // The first call answers and takes effect late; the second would overtake it.
    const { store, storage } = await open({
      latencies: [
        { wait: 20, late: true },
        { wait: 0, late: false },
      ],
    })
    const first = store.set('k', 1)
    await Promise.resolve()
    await Promise.all([first, store.set('k', 2)])
    expect(storage.map.get('k')?.value).toBe(2)
  })
})
