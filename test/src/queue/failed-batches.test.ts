import { describe, expect, test } from 'vitest'
import { sleep } from '../../../src/async.ts'
import { type Change, type Store, StoreError } from '../../../src/index.ts'
import type { ModelStorage } from '../../fuzz/model-storage.ts'
import { DAMAGED } from '../../fuzz/operations.ts'
import { isRefused, REFUSED } from '../../fuzz/values.ts'
import { code, counts, open, plusOne, times } from './model-store.ts'

function isRefusedChange(change: Change): boolean {
  return 'entry' in change && isRefused(change.entry.value)
}

/** Makes every call of the storage fail, and returns the names of the calls that follow. */
function failAll(storage: ModelStorage, error: StoreError): string[] {
  const called: string[] = []
  for (const name of ['getMany', 'commit', 'transact'] as const) {
    Object.defineProperty(storage, name, {
      value: () => (called.push(name), Promise.reject(error)),
    })
  }
  return called
}

/** A set for an even number, and an update of another key for an odd one. */
function setOrUpdate(store: Store, index: number): Promise<unknown> {
  return index % 2 === 0 ? store.set(`k${index}`, index) : store.update(`k${index}`, plusOne)
}

describe.each([true, false])('a call that fails, with batchAcrossTicks: %s', (batchAcrossTicks) => {
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
    // Neither update can be the cause, so they are rejected together; the get needs no transaction.
    expect(counts(storage)).toEqual({ transact: 1, getMany: 1 })
  })

  test('sets and updates of a backend that is down are rejected after two calls', async () => {
    const { store, storage } = await open({ batchAcrossTicks, backend: 'transact' })
    const called = failAll(storage, new StoreError('BLOCKED', 'another tab'))
    const results = await Promise.all(times(100, (i) => code(setOrUpdate(store, i))))
    expect(results).toEqual(times(100, () => 'BLOCKED'))
    // The transaction of the updates, and the commit of the sets.
    expect(called).toEqual(['transact', 'commit'])
  })

  test('sets are stored in one commit if the transaction of the updates beside them fails', async () => {
    const { store, storage } = await open({
      batchAcrossTicks,
      backend: 'transact',
      faults: [{ on: 'write', nth: 0, kind: 'nonsense' }],
    })
    const results = await Promise.all(times(100, (i) => code(setOrUpdate(store, i))))
    expect(results).toEqual(times(100, (i) => ({ value: i % 2 === 0 ? undefined : 1 })))
    // Either half of the updates may be the cause, and neither fails again.
    expect(counts(storage)).toEqual({ transact: 3, commit: 1 })
  })

  test('a failed transaction keeps the order of reads, writes and updates of a key', async () => {
    const { store } = await open({
      batchAcrossTicks,
      backend: 'transact',
      faults: [{ on: 'write', nth: 0, kind: 'nonsense' }],
    })
    const results = await Promise.all([
      code(store.get('k')),
      code(store.update('k', plusOne)),
      code(store.get('k')),
      code(store.set('k', 5)),
      code(store.update('k', plusOne)),
      code(store.get('k')),
    ])
    expect(results).toEqual([
      { value: undefined },
      { value: 1 },
      { value: 1 },
      { value: undefined },
      { value: 6 },
      { value: 6 },
    ])
  })

  test('many updates of one unreadable key are rejected after one transaction', async () => {
    const { store, storage } = await open({ batchAcrossTicks, backend: 'transact' })
    const results = await Promise.all(times(50, () => code(store.update(DAMAGED, plusOne))))
    expect(results).toEqual(times(50, () => 'CORRUPT'))
    expect(counts(storage)).toEqual({ transact: 1 })
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

  test('a refused write that fails the whole commit rejects only its own call', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const commit = storage.commit.bind(storage)
    let commits = 0
    storage.commit = async (groups) => {
      commits++
      if (groups.flat().some(isRefusedChange)) throw new StoreError('TOO_LARGE', 'too large')
      return commit(groups)
    }
    const results = await Promise.all(
      times(16, (i) => code(store.set(`k${i}`, [i === 7 ? REFUSED : i]))),
    )
    expect(results.filter((result) => result === 'TOO_LARGE')).toHaveLength(1)
    expect(results[7]).toBe('TOO_LARGE')
    expect(storage.map.size).toBe(15)
    // The whole batch, and two halves at each of 4 levels.
    expect(commits).toBe(9)
  })

  test('an unreadable entry rejects all its readers after one read', async () => {
    const { store, storage } = await open({ batchAcrossTicks })
    const results = await Promise.all(times(10, () => code(store.get(DAMAGED))))
    expect(results).toEqual(times(10, () => 'CORRUPT'))
    expect(counts(storage)).toEqual({ getMany: 1 })
  })
})

/** Rejects the next commit. */
function failOnce(storage: ModelStorage): void {
  const commit = storage.commit.bind(storage)
  storage.commit = async () => {
    storage.commit = commit
    throw new StoreError('QUOTA_EXCEEDED', 'full')
  }
}

async function takeLock(owner: unknown): Promise<string> {
  await sleep(5)
  if (owner !== undefined) throw new Error('taken')
  return 'me'
}

async function plusOneIfPresent(n: unknown): Promise<unknown> {
  await sleep(5)
  return n === undefined ? undefined : plusOne(n)
}

describe('a slow updater that received a value which was then not stored', () => {
  test('runs again if it throws', async () => {
    const { store, storage } = await open()
    failOnce(storage)
    const results = await Promise.all([
      code(store.set('lock', 'other')),
      code(store.update('lock', takeLock)),
    ])
    expect(results).toEqual(['QUOTA_EXCEEDED', { value: 'me' }])
    expect(await store.get('lock')).toBe('me')
  })

  test('runs again if it changes nothing', async () => {
    const { store, storage } = await open()
    await store.set('k', 1)
    failOnce(storage)
    const results = await Promise.all([
      code(store.delete('k')),
      code(store.update('k', plusOneIfPresent)),
    ])
    expect(results).toEqual(['QUOTA_EXCEEDED', { value: 2 }])
    expect(await store.get('k')).toBe(2)
  })

  test('does not run again if its value had been stored', async () => {
    const { store, storage } = await open()
    failOnce(storage)
    let runs = 0
    const results = await Promise.all([
      code(store.update('k', async () => (runs++, sleep(5)))),
      code(store.set('k', 1)),
    ])
    expect(results).toEqual([{ value: undefined }, 'QUOTA_EXCEEDED'])
    expect(runs).toBe(1)
  })
})
