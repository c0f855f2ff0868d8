import { expect, test } from 'vitest'
import type { Page } from 'playwright'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const LIMIT = 4_000_000
const TOO_MUCH = 6_000_000
const EXCEEDED = { code: 'QUOTA_EXCEEDED', outcome: 'not-applied', retryable: false }

async function limited(): Promise<Page> {
  const site = browser.site()
  await site.limit(LIMIT)
  const tab = await site.tab()
  await tab.evaluate(() => shelf.open())
  return tab
}

test('what does not fit is QUOTA_EXCEEDED and not applied; all that was there is, and can be used', async () => {
  const tab = await limited()
  const failures = await tab.evaluate(async (bytes) => {
    await shelf.store.setMany({ old: 'old value', other: 1 })
    const value = shelf.noise(bytes)
    return [
      await shelf.failure(shelf.store.set('old', value)),
      await shelf.failure(shelf.store.set('new', value)),
      await shelf.failure(shelf.store.update('old', () => value)),
      await shelf.failure(shelf.store.mutable('old', () => {}, value)),
      await shelf.failure(shelf.store.getOrInsert('new', value)),
      await shelf.failure(shelf.store.setMany({ small: 1, new: value, old: 2 })),
    ]
  }, TOO_MUCH)
  const none = { resolved: 'old value' }
  expect(failures).toEqual([EXCEEDED, EXCEEDED, EXCEEDED, none, EXCEEDED, EXCEEDED])
  const found = await tab.evaluate(async () => [
    await shelf.store.get('old'),
    await shelf.keys(),
    await shelf.store.size(),
    await shelf.store.pop('other'),
    await shelf.store.delete('old'),
    await shelf.keys(),
  ])
  expect(found).toEqual(['old value', ['old', 'other'], 2, 1, undefined, []])
  expect(await tab.evaluate(() => shelf.events)).toEqual([])
})

test('when it is full, something can be deleted, and then set again', async () => {
  const tab = await limited()
  const kept = await tab.evaluate(async () => {
    const stored: string[] = []
    for (let at = 0; at < 50; at++) {
      const failed = await shelf.failure(shelf.store.set(`k${at}`, shelf.noise(300_000)))
      if ('code' in failed) {
        if (failed.code !== 'QUOTA_EXCEEDED') throw new Error(failed.code)
        break
      }
      stored.push(`k${at}`)
    }
    return stored
  })
  expect(kept.length).toBeGreaterThan(2)
  expect(kept.length).toBeLessThan(50)
  expect(await tab.evaluate(() => shelf.keys())).toEqual(kept.toSorted())
  await tab.evaluate(() => shelf.store.clear())
  // The browser needs a while to make room of it.
  await expect
    .poll(() => tab.evaluate(() => shelf.failure(shelf.store.set('again', shelf.noise(300_000)))), {
      timeout: 20_000,
    })
    .toEqual({ resolved: undefined })
  expect(await tab.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['again'])
})

// The browser counts what is under way, so a neighbour may not fit either while the big one is.
test('of several sets at once, one is too big: the others are stored, or fail and are not', async () => {
  const tab = await limited()
  const small = Array.from({ length: 30 }, (_, at) => `k${at}`)
  const [big, ...others] = await tab.evaluate(
    async ([keys, bytes]) => {
      const value = shelf.noise(bytes)
      const before = keys.slice(0, 10).map((key) => shelf.failure(shelf.store.set(key, 1)))
      const failing = shelf.failure(shelf.store.set('big', value))
      const after = keys.slice(10).map((key) => shelf.failure(shelf.store.set(key, 1)))
      return Promise.all([failing, ...before, ...after])
    },
    [small, TOO_MUCH] as const,
  )
  expect(big).toEqual(EXCEEDED)
  const isStored = others.map((each) => 'resolved' in each)
  expect(isStored).toContain(true)
  expect(others.filter((each) => 'code' in each)).toEqual(
    isStored.filter((stored) => !stored).map(() => EXCEEDED),
  )
  const keys = await tab.evaluate(() => shelf.raw.keys(shelf.DATABASE))
  expect(keys).toEqual(small.filter((_, at) => isStored[at]).toSorted())
})

test('commit: of several groups, the one that is too big has the error and the others are applied, each whole', async () => {
  const tab = await limited()
  const outcomes = await tab.evaluate(async (bytes) => {
    const storage = await new shelf.IndexedDBStoragePlugin().open('ns')
    const groups = [
      [shelf.change('a', 1), shelf.change('b', 1)],
      [shelf.change('c', 1), shelf.change('big', shelf.noise(bytes))],
      [shelf.change('d', 1)],
    ]
    const all = await storage.commit(groups)
    await storage.close()
    return all.map((outcome) =>
      typeof outcome === 'string'
        ? outcome
        : { code: outcome.code, outcome: outcome.outcome, retryable: outcome.retryable },
    )
  }, TOO_MUCH)
  expect(outcomes).toEqual(['applied', EXCEEDED, 'applied'])
  expect(await tab.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['a', 'b', 'd'])
})

test('a site without room for a new database: opening it is QUOTA_EXCEEDED', async () => {
  const site = browser.site()
  const tab = await site.tab()
  await site.limit(1)
  expect(await tab.evaluate(() => shelf.failure(shelf.open()))).toEqual(EXCEEDED)
})
