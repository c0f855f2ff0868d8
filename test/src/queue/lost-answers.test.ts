import { describe, expect, test } from 'vitest'
import { type Entry, StorageRuntime, StoreError } from '../../../src/index.ts'
import { errorOf } from '../../support/promises.ts'
import { HookedPlugin, lostAnswer, openStore, plusOne } from './hooked-plugin.ts'

describe('a write whose answer is lost', () => {
  test('resolves without another write if the stored version is its own', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = async (apply) => {
      await apply()
      throw lostAnswer()
    }
    await store.set('k', 1)
    expect(await store.update('k', plusOne)).toBe(2)
    expect(plugin.commits).toBe(2)
    expect(await store.get('k')).toBe(2)
  })

  test('is sent again if the version that it expected is still stored', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    let runs = 0
    plugin.onCommit = (apply) => (plugin.commits === 2 ? Promise.reject(lostAnswer()) : apply())
    expect(await store.update('k', (n) => (runs++, plusOne(n)))).toBe(2)
    expect(runs).toBe(1)
    expect(plugin.commits).toBe(3)
  })

  test('rejects with an unknown outcome if another version is stored, and the updater does not run again', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    const other = await openStore(plugin)
    await store.set('k', 1)
    let runs = 0
    plugin.onCommit = async (apply, groups) => {
      if (groups[0]?.[0]?.ifVersion === undefined) return apply()
      await apply()
      await other.set('k', 100)
      throw lostAnswer()
    }
    const error = await errorOf(store.update('k', (n) => (runs++, plusOne(n))))
    expect(error).toMatchObject({
      code: 'CONNECTION_LOST',
      outcome: 'unknown',
      namespace: 'n',
      key: 'k',
    })
    expect(runs).toBe(1)
    expect(await store.get('k')).toBe(100)
  })

  test('rejects with an unknown outcome if it is a set that did not arrive: the previous version is not known', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    plugin.onCommit = () => Promise.reject(lostAnswer())
    expect(await errorOf(store.set('k', 2))).toMatchObject({ outcome: 'unknown', retryable: true })
    expect(plugin.commits).toBe(2)
  })

  test('rejects with an unknown outcome if the second answer is lost too', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    plugin.onCommit = () => Promise.reject(lostAnswer())
    expect(await errorOf(store.update('k', plusOne))).toMatchObject({ outcome: 'unknown' })
    expect(plugin.commits).toBe(3)
  })

  test('rejects only its own call if the storage throws at the second attempt', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    plugin.onCommit = (_, groups) => {
      if (groups.length < 2) throw new Error('not a rejected promise')
      return Promise.resolve([lostAnswer(), 'applied'])
    }
    const update = errorOf(store.update('k', plusOne))
    await store.set('other', 1)
    expect(await update).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
  })

  test('rejects with an unknown outcome if it expected no entry: an entry may have been set and removed meanwhile', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    const other = await openStore(plugin)
    const jobs: unknown[] = []
    plugin.onCommit = async (apply, groups) => {
      const outcomes = await apply()
      if (groups[0]?.[0]?.ifVersion !== null) return outcomes
      jobs.push(await other.pop('job'))
      throw lostAnswer()
    }
    expect(await errorOf(store.getOrInsert('job', 1))).toMatchObject({ outcome: 'unknown' })
    expect(jobs).toEqual([1])
    expect(await store.has('job')).toBe(false)
  })

  test('rejects without a look-up if the backend says that it was not applied', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = async () => [new StoreError('QUOTA_EXCEEDED', 'full')]
    expect(await errorOf(store.set('k', 1))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      outcome: 'not-applied',
      namespace: 'n',
      key: 'k',
    })
    expect(plugin.reads).toBe(0)
  })

  test('rejects without a look-up if the backend is overloaded', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = () =>
      Promise.reject(new StoreError('OVERLOADED', 'busy', { outcome: 'unknown' }))
    expect(await errorOf(store.set('k', 1))).toMatchObject({
      code: 'OVERLOADED',
      outcome: 'unknown',
      retryable: false,
    })
    expect(plugin.reads).toBe(0)
  })

  test('resolves if it is a delete and the key is absent', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    plugin.onCommit = async (apply) => {
      await apply()
      throw lostAnswer()
    }
    await store.delete('k')
    expect(await store.has('k')).toBe(false)
  })

  test('rejects with an unknown outcome if it is a delete and reads may be stale', async () => {
    const plugin = new HookedPlugin()
    plugin.traits = { consistency: 'eventual' }
    const store = await openStore(plugin)
    plugin.onCommit = () => Promise.reject(lostAnswer())
    expect(await errorOf(store.delete('k'))).toMatchObject({ outcome: 'unknown' })
  })

  test('rejects with an unknown outcome if it is a group, groups are not atomic, and one change is stored', async () => {
    const plugin = new HookedPlugin()
    plugin.traits = { atomic: 'none' }
    const store = await new StorageRuntime(plugin, { allowLostUpdates: true }).open('n')
    const found = new Map<string, Entry>()
    plugin.onCommit = async (_, groups) => {
      const first = groups[0]?.[0]
      if (first !== undefined && 'entry' in first) found.set(first.key, first.entry)
      throw lostAnswer()
    }
    plugin.onRead = async () => found
    expect(await errorOf(store.setMany({ a: 1, b: 1 }))).toMatchObject({ outcome: 'unknown' })
  })

  test('rejects with an unknown outcome if it is a pop and the key is absent: another pop may have the value', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    await store.set('k', 1)
    plugin.onCommit = async (apply) => {
      await apply()
      throw lostAnswer()
    }
    expect(await errorOf(store.pop('k'))).toMatchObject({ outcome: 'unknown' })
  })

  test('does not resolve because one of several removed keys is absent', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    await store.set('b', 7)
    let lose = true
    plugin.onCommit = async (apply) => {
      if (lose) {
        lose = false
        throw lostAnswer()
      }
      return apply()
    }
    const errors = await Promise.all([
      errorOf(store.setMany({ a: 1, b: 2 })),
      errorOf(store.delete('a')),
      errorOf(store.delete('b')),
    ])
    expect(errors.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown', 'unknown'])
    lose = true
    const popped = store.pop('b')
    const also = [store.setMany({ a: 1, b: 2 }), store.delete('a'), store.delete('b')]
    await Promise.allSettled([popped, ...also])
    const there = await store.get('b')
    expect([await popped.catch(() => 'not popped'), there]).not.toEqual([7, 7])
  })
})
