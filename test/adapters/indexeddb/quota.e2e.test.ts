import { expect, test } from 'vitest'
import type { Page } from 'playwright'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const QUOTA_BYTES = 4_000_000
const TOO_MANY_BYTES = 6_000_000
const EXCEEDED = { code: 'QUOTA_EXCEEDED', outcome: 'not-applied', retryable: false }

/** Opens a store on an origin with a small quota. */
async function openLimited(): Promise<Page> {
  const origin = browser.newOrigin()
  await origin.setQuota(QUOTA_BYTES)
  const tab = await origin.openTab()
  await tab.evaluate(() => harness.openStore())
  return tab
}

test('a write that exceeds the quota is QUOTA_EXCEEDED and not applied, and earlier data stays usable', async () => {
  const tab = await openLimited()
  const errors = await tab.evaluate(async (bytes) => {
    await harness.store.setMany({ old: 'old value', other: 1 })
    const value = harness.randomBytes(bytes)
    return [
      await harness.errorOf(harness.store.set('old', value)),
      await harness.errorOf(harness.store.set('new', value)),
      await harness.errorOf(harness.store.update('old', () => value)),
      await harness.errorOf(harness.store.mutable('old', () => {}, value)),
      await harness.errorOf(harness.store.getOrInsert('new', value)),
      await harness.errorOf(harness.store.setMany({ small: 1, new: value, old: 2 })),
    ]
  }, TOO_MANY_BYTES)
  // mutable() found a value, so it did not store its initial one.
  const isKept = { resolved: 'old value' }
  expect(errors).toEqual([EXCEEDED, EXCEEDED, EXCEEDED, isKept, EXCEEDED, EXCEEDED])
  const found = await tab.evaluate(async () => [
    await harness.store.get('old'),
    await harness.sortedKeys(),
    await harness.store.size(),
    await harness.store.pop('other'),
    await harness.store.delete('old'),
    await harness.sortedKeys(),
  ])
  expect(found).toEqual(['old value', ['old', 'other'], 2, 1, undefined, []])
  expect(await tab.evaluate(() => harness.events)).toEqual([])
})

test('after the quota is used up, deleting data makes room for new writes', async () => {
  const tab = await openLimited()
  const stored = await tab.evaluate(async () => {
    const keys: string[] = []
    for (let index = 0; index < 50; index++) {
      const result = await harness.errorOf(
        harness.store.set(`k${index}`, harness.randomBytes(300_000)),
      )
      if ('code' in result) {
        if (result.code !== 'QUOTA_EXCEEDED') throw new Error(result.code)
        break
      }
      keys.push(`k${index}`)
    }
    return keys
  })
  expect(stored.length).toBeGreaterThan(2)
  expect(stored.length).toBeLessThan(50)
  expect(await tab.evaluate(() => harness.sortedKeys())).toEqual(stored.toSorted())
  await tab.evaluate(() => harness.store.clear())
  // The browser frees the space a little later.
  await expect
    .poll(
      () =>
        tab.evaluate(() =>
          harness.errorOf(harness.store.set('again', harness.randomBytes(300_000))),
        ),
      {
        timeout: 20_000,
      },
    )
    .toEqual({ resolved: undefined })
  expect(await tab.evaluate(() => harness.storedKeys())).toEqual(['again'])
})

// While the large write runs, the browser counts it, so another write may exceed the quota too.
test('when one of several concurrent writes exceeds the quota, each of the others is stored or rejects', async () => {
  const tab = await openLimited()
  const small = Array.from({ length: 30 }, (_, index) => `k${index}`)
  const [big, ...others] = await tab.evaluate(
    async ([keys, bytes]) => {
      const value = harness.randomBytes(bytes)
      const before = keys.slice(0, 10).map((key) => harness.errorOf(harness.store.set(key, 1)))
      const failing = harness.errorOf(harness.store.set('big', value))
      const after = keys.slice(10).map((key) => harness.errorOf(harness.store.set(key, 1)))
      return Promise.all([failing, ...before, ...after])
    },
    [small, TOO_MANY_BYTES] as const,
  )
  expect(big).toEqual(EXCEEDED)
  const isStored = others.map((each) => 'resolved' in each)
  expect(isStored).toContain(true)
  expect(others.filter((each) => 'code' in each)).toEqual(
    isStored.filter((stored) => !stored).map(() => EXCEEDED),
  )
  const keys = await tab.evaluate(() => harness.storedKeys())
  expect(keys).toEqual(small.filter((_, index) => isStored[index]).toSorted())
})

test('commit(): only the group that exceeds the quota gets the error; the others are applied whole', async () => {
  const tab = await openLimited()
  const outcomes = await tab.evaluate(async (bytes) => {
    const storage = await new harness.IndexedDBStoragePlugin().open('ns')
    const groups = [
      [harness.setChange('a', 1), harness.setChange('b', 1)],
      [harness.setChange('c', 1), harness.setChange('big', harness.randomBytes(bytes))],
      [harness.setChange('d', 1)],
    ]
    const results = await storage.commit(groups)
    await storage.close()
    return results.map((outcome) =>
      typeof outcome === 'string'
        ? outcome
        : { code: outcome.code, outcome: outcome.outcome, retryable: outcome.retryable },
    )
  }, TOO_MANY_BYTES)
  expect(outcomes).toEqual(['applied', EXCEEDED, 'applied'])
  expect(await tab.evaluate(() => harness.storedKeys())).toEqual(['a', 'b', 'd'])
})

test('opening a new database is QUOTA_EXCEEDED if the site has no room for it', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  await origin.setQuota(1)
  expect(await tab.evaluate(() => harness.errorOf(harness.openStore()))).toEqual(EXCEEDED)
})
