import { describe, expect, test } from 'vitest'
import { StoreError } from '../../../src/index.ts'
import { DAMAGED } from '../../fuzz/operations.ts'
import { REFUSED } from '../../fuzz/values.ts'
import { code, counts, open, plusOne, times } from './model-store.ts'

describe.each([true, false])('steps, with batchAcrossTicks: %s', (batchAcrossTicks) => {
  const options = { batchAcrossTicks, backend: 'perform' } as const

  test('the steps, sets and deletions of a tick are one call of perform()', async () => {
    const { store, storage } = await open(options)
    const results = await Promise.all([
      ...times(100, (i) => store.increment(`n${i % 10}`)),
      ...times(10, (i) => store.set(`s${i}`, i)),
      store.insert('first', 1),
      store.insert('first', 2),
      store.append('list', 'a'),
      store.append('list', 'b'),
      store.getOrInsert('first', 3),
      store.touch('first', { ttl: 5000 }),
      store.pop('first'),
      store.delete('s0'),
      store.increment('s1'),
    ])
    expect(counts(storage)).toEqual({ perform: 1 })
    expect(results.slice(0, 100)).toEqual(times(100, (i) => Math.floor(i / 10) + 1))
    expect(results.slice(110)).toEqual([true, false, 1, 2, 1, true, 1, undefined, 2])
    expect(storage.map.get('n9')?.value).toBe(10)
  })

  test('a step after a setMany() of its key gets its own result', async () => {
    const { store, storage } = await open(options)
    const results = await Promise.all([
      store.setMany({ a: 1, b: 2 }),
      store.increment('b'),
      store.deleteMany(['a', 'c']),
      store.increment('a', 5),
    ])
    expect(results).toEqual([undefined, 3, undefined, 5])
    expect(counts(storage)).toEqual({ perform: 1 })
  })

  test('beside an update or a read of their key they are part of the read and the commit', async () => {
    const { store, storage } = await open(options)
    const results = await Promise.all([
      store.increment('k'),
      store.update('k', plusOne),
      store.increment('k'),
      store.increment('read'),
      store.get('read'),
      store.increment('other'),
    ])
    expect(results).toEqual([1, 2, 3, 1, 1, 1])
    expect(counts(storage)).toEqual({ perform: 1, getMany: 1, commit: 1 })
  })

  test('a step that fails rejects alone', async () => {
    const { store, storage } = await open(options)
    await store.set('text', 'x')
    const results = await Promise.all(
      [
        store.increment('n'),
        store.increment('text'),
        store.set('k', [1]),
        store.increment('k'),
        store.append('k', 2),
        store.append('k', REFUSED),
        store.append('k', 3),
        store.increment(DAMAGED),
        store.increment('n'),
      ].map(code),
    )
    expect(results).toEqual([
      { value: 1 },
      'INVALID_VALUE',
      { value: undefined },
      'INVALID_VALUE',
      { value: 2 },
      'TOO_LARGE',
      { value: 3 },
      'CORRUPT',
      { value: 2 },
    ])
    expect(storage.map.get('k')?.value).toEqual([1, 2, 3])
    expect(storage.map.get('text')?.value).toBe('x')
  })

  test('the error of a step names its namespace and its key', async () => {
    const { store } = await open(options)
    await store.set('text', 'x')
    const error = await store.increment('text').catch((each: unknown) => each)
    expect(error).toMatchObject({ namespace: 'n', key: 'text', outcome: 'not-applied' })
    expect((error as Error).message).toContain('the stored value is "x"')
  })

  test('a lost answer of perform() rejects the calls with an unknown outcome, and nothing is repeated', async () => {
    const { store, storage } = await open({
      ...options,
      faults: [{ on: 'write', nth: 0, kind: 'lost-answer' }],
    })
    const results = await Promise.allSettled([store.increment('n'), store.set('s', 1)])
    for (const result of results)
      expect(result).toMatchObject({ reason: { code: 'CONNECTION_LOST', outcome: 'unknown' } })
    expect(counts(storage)).toEqual({ perform: 1 })
    expect(await store.increment('n')).toBe(2)
  })

  test('a perform() that returns too few results rejects what got none', async () => {
    const { store, storage } = await open(options)
    const replace = (value: () => Promise<unknown>): unknown =>
      Object.defineProperty(storage, 'perform', { value, configurable: true })
    replace(async () => [[7]])
    const results = await Promise.allSettled([store.increment('a'), store.increment('b')])
    expect(results[0]).toEqual({ status: 'fulfilled', value: 7 })
    expect(results[1]).toMatchObject({ reason: { code: 'BACKEND_ERROR' } })
    const cause = new StoreError('UNAVAILABLE', 'gone')
    replace(() => Promise.reject(cause))
    expect(await code(store.increment('a'))).toBe('UNAVAILABLE')
  })

  test.each([
    ['transact', { transact: 1 }],
    ['commit', { getMany: 1, commit: 1 }],
  ] as const)('without perform(), on a backend with %s they are %o', async (backend, expected) => {
    const { store, storage } = await open({ batchAcrossTicks, backend })
    await Promise.all(times(100, (i) => store.increment(`n${i % 10}`)))
    expect(counts(storage)).toEqual(expected)
    expect([...storage.map.values()].map(({ value }) => value)).toEqual(times(10, () => 10))
  })
})

describe('keys that a transaction only reads', () => {
  test('are checked by the commit of its writes', async () => {
    const { store, storage } = await open()
    await store.set('price', 5)
    const version = storage.map.get('price')?.version
    await store.transaction(['price', 'discount', 'total'], (tx) =>
      tx.set('total', tx.get('price')),
    )
    expect(storage.calls.at(-1)?.groups).toEqual([
      [
        { key: 'price', check: true, ifVersion: version },
        { key: 'discount', check: true, ifVersion: null },
        expect.objectContaining({ key: 'total', ifVersion: null }),
      ],
    ])
  })

  test('are not checked if it writes nothing', async () => {
    const { store, storage } = await open()
    await store.transaction(['a', 'b'], (tx) => tx.get('a'))
    expect(counts(storage)).toEqual({ getMany: 1 })
  })

  test('are not checked if the same commit writes them first', async () => {
    const { store, storage } = await open()
    const set = store.set('price', 5)
    const total = store.transaction(['price', 'total'], (tx) => {
      tx.set('total', tx.get('price'))
      return tx.get('total')
    })
    await set
    expect(await total).toBe(5)
    const [group = []] = storage.calls.at(-1)?.groups ?? []
    const byKey = new Map(group.map((change) => [change.key, change]))
    expect(byKey.get('price')).toMatchObject({ entry: { value: 5 } })
    expect(byKey.get('price')).not.toHaveProperty('ifVersion')
    expect(byKey.get('total')).toMatchObject({ ifVersion: null })
  })
})
