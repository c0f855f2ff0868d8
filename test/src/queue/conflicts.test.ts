import { describe, expect, test } from 'vitest'
import { errorOf } from '../../support/promises.ts'
import { HookedPlugin, openStore, plusOne } from './hooked-plugin.ts'

describe('conflicts', () => {
  test('update() rejects with a retryable CONFLICT after 100 conflicts', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = async () => ['conflict']
    expect(await errorOf(store.update('k', plusOne))).toMatchObject({
      code: 'CONFLICT',
      outcome: 'not-applied',
      retryable: true,
    })
    expect(plugin.commits).toBe(100)
  })

  test('100 conflicts reject the update, and not the set and the get of the same key', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    plugin.onCommit = async (apply, groups) =>
      groups.flat().some(({ ifVersion }) => ifVersion !== undefined) ? ['conflict'] : apply()
    const [update, , get] = await Promise.allSettled([
      store.update('k', plusOne),
      store.set('k', 10),
      store.get('k'),
    ])
    expect(update).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } })
    expect(get).toEqual({ status: 'fulfilled', value: 10 })
    expect(await store.get('k')).toBe(10)
  })

  test('a slow updater does not delay other writers of its key, and runs again after them', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    let runs = 0
    const { promise: gate, resolve: go } = Promise.withResolvers<void>()
    const slow = store.update('k', async (n) => {
      runs++
      await gate
      return plusOne(n)
    })
    await store.set('k', 10)
    expect(await store.update('k', plusOne)).toBe(11)
    go()
    expect(await slow).toBe(12)
    expect(runs).toBe(2)
  })

  test('a slow updater runs once at a time after conflicts', async () => {
    const plugin = new HookedPlugin()
    const store = await openStore(plugin)
    let running = 0
    let most = 0
    const slow = async (n = 0): Promise<number> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 20))
      running--
      return n + 1
    }
    let conflicts = 3
    plugin.onCommit = async (apply, groups) =>
      conflicts-- > 0 ? groups.map(() => 'conflict' as const) : apply()
    await Promise.all([store.update('k', plusOne), store.update('k', slow)])
    expect([await store.get('k'), most]).toEqual([2, 1])
  })

  test('slow updaters of a key run one after another once they have lost', async () => {
    const store = await openStore(new HookedPlugin())
    let runs = 0
    const slow = async (n = 0): Promise<number> => {
      runs++
      await new Promise((resolve) => setTimeout(resolve, 20))
      return n + 1
    }
    await Promise.all(Array.from({ length: 6 }, () => store.update('k', slow)))
    expect(await store.get('k')).toBe(6)
    // 6 at once, and 5 in turn. Without turns they are 6 + 5 + 4 + 3 + 2 + 1.
    expect(runs).toBeLessThan(16)
  })
})
