import { describe, expect, test } from 'vitest'
import { nextTask } from '../../fuzz/run-case.ts'
import { code, counts, microtasks, never, open, plusOne, times } from './model-store.ts'

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

  test('a single call reaches the storage before the next task of the event loop', async () => {
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
      await nextTask()
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
