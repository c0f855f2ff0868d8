import { expect, test } from 'vitest'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

const TTL_MS = 3_600_000

test('an expired entry disappears from every listing of every tab, then from the database', async () => {
  const [writing, reading] = await browser.newOrigin().openTwoTabs()
  await reading.evaluate(() => harness.openStore())
  await writing.evaluate(async (ttl) => {
    await harness.openStore()
    for (let index = 0; index < 20; index++)
      await harness.store.set(`short${index}`, index, { ttl })
    await harness.store.set('long', 1, { ttl: 10 * ttl })
    await harness.store.set('for ever', 1)
  }, TTL_MS)
  expect(await reading.evaluate(() => harness.store.size())).toBe(22)
  const left = ['for ever', 'long']
  const found = await reading.evaluate(async (ttl) => {
    harness.clockOffsetMs = ttl + 60_000
    const entries: string[] = []
    for await (const [key] of harness.store) entries.push(key)
    return [
      await harness.sortedKeys(),
      entries.toSorted(),
      await harness.store.has('short1'),
      await harness.store.get('short1'),
      await harness.store.size(),
    ]
  }, TTL_MS)
  expect(found).toEqual([left, left, false, undefined, 2])
  await eventually(() => writing.evaluate(() => harness.storedKeys())).toEqual(left)
})

test('writing an entry that expires starts a sweep', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async (ttl) => {
    await harness.openStore()
    for (let index = 0; index < 20; index++) await harness.store.set(`old${index}`, index, { ttl })
    harness.clockOffsetMs = ttl + 120_000
    await harness.store.set('new', 1, { ttl })
  }, TTL_MS)
  await eventually(() => tab.evaluate(() => harness.storedKeys())).toEqual(['new'])
})

test('one sweep deletes all expired entries, even thousands', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async (ttl) => {
    await harness.openStore()
    const many = Array.from({ length: 2500 }, (_, index): [string, unknown] => [
      `old${index}`,
      index,
    ])
    await harness.store.setMany(many, { ttl })
    harness.clockOffsetMs = ttl + 120_000
    await harness.store.set('new', 1, { ttl })
  }, TTL_MS)
  await eventually(() => tab.evaluate(() => harness.storedKeys())).toEqual(['new'])
})

test('a sweep does not delete entries that another tab has just renewed', async () => {
  const [sweeping, renewing] = await browser.newOrigin().openTwoTabs()
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)
  await sweeping.evaluate(
    async ([all, ttl]) => {
      await harness.openStore()
      await harness.store.setMany(
        all.map((key) => [key, 'old'] as const),
        { ttl },
      )
    },
    [keys, TTL_MS] as const,
  )
  await renewing.evaluate(async (ttl) => {
    harness.clockOffsetMs = ttl + 60_000
    await harness.openStore()
  }, TTL_MS)
  await Promise.all([
    renewing.evaluate(
      async ([all, ttl]) => {
        for (const [index, key] of all.entries()) {
          if (index % 2 === 0) await harness.store.set(key, 'new')
          else await harness.store.set(key, 'new', { ttl: 10 * ttl })
        }
        harness.saved['done'] = true
      },
      [keys, TTL_MS] as const,
    ),
    sweeping.evaluate(async (ttl) => {
      harness.clockOffsetMs = ttl + 60_000
      // size() starts a sweep whenever it counts expired entries.
      for (let call = 0; call < 40; call++) await harness.store.size()
    }, TTL_MS),
  ])
  await sweeping.evaluate(() => harness.store.size())
  await sweeping.evaluate(() => harness.runtime.close())
  expect(await renewing.evaluate(() => harness.sortedKeys())).toEqual(keys.toSorted())
  const values = await renewing.evaluate(async () => {
    const found = new Set<unknown>()
    for await (const value of harness.store.values()) found.add(value)
    return [...found]
  })
  expect(values).toEqual(['new'])
})

test('update() keeps the expiry of an entry, also from another tab; set() without options clears it', async () => {
  const [first, second] = await browser.newOrigin().openTwoTabs()
  await first.evaluate(async (ttl) => {
    await harness.openStore()
    await harness.store.setMany({ updated: 1, set: 1 }, { ttl })
  }, TTL_MS)
  await second.evaluate(async () => {
    await harness.openStore()
    await harness.store.update('updated', () => 2)
    await harness.store.set('set', 2)
  })
  const keys = await first.evaluate((ttl) => {
    harness.clockOffsetMs = ttl + 60_000
    return harness.sortedKeys()
  }, TTL_MS)
  expect(keys).toEqual(['set'])
})
