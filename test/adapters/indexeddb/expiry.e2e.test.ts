import { expect, test } from 'vitest'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

const TTL = 3_600_000

test('what expires is gone from every listing of every tab, and then from the database', async () => {
  const [writing, reading] = await browser.site().twoTabs()
  await reading.evaluate(() => shelf.open())
  await writing.evaluate(async (ttl) => {
    await shelf.open()
    for (let at = 0; at < 20; at++) await shelf.store.set(`short${at}`, at, { ttl })
    await shelf.store.set('long', 1, { ttl: 10 * ttl })
    await shelf.store.set('for ever', 1)
  }, TTL)
  expect(await reading.evaluate(() => shelf.store.size())).toBe(22)
  const left = ['for ever', 'long']
  const found = await reading.evaluate(async (ttl) => {
    shelf.ahead = ttl + 60_000
    const entries: string[] = []
    for await (const [key] of shelf.store) entries.push(key)
    return [
      await shelf.keys(),
      entries.toSorted(),
      await shelf.store.has('short1'),
      await shelf.store.get('short1'),
      await shelf.store.size(),
    ]
  }, TTL)
  expect(found).toEqual([left, left, false, undefined, 2])
  await eventually(() => writing.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(left)
})

test('a write of something that expires begins a sweep', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(async (ttl) => {
    await shelf.open()
    for (let at = 0; at < 20; at++) await shelf.store.set(`old${at}`, at, { ttl })
    shelf.ahead = ttl + 120_000
    await shelf.store.set('new', 1, { ttl })
  }, TTL)
  await eventually(() => tab.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['new'])
})

test('however much has expired, one sweep removes all of it', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(async (ttl) => {
    await shelf.open()
    const many = Array.from({ length: 2500 }, (_, at): [string, unknown] => [`old${at}`, at])
    await shelf.store.setMany(many, { ttl })
    shelf.ahead = ttl + 120_000
    await shelf.store.set('new', 1, { ttl })
  }, TTL)
  await eventually(() => tab.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['new'])
})

test('what was renewed elsewhere is not swept', async () => {
  const [sweeping, renewing] = await browser.site().twoTabs()
  const keys = Array.from({ length: 100 }, (_, at) => `k${at}`)
  await sweeping.evaluate(
    async ([all, ttl]) => {
      await shelf.open()
      await shelf.store.setMany(
        all.map((key) => [key, 'old'] as const),
        { ttl },
      )
    },
    [keys, TTL] as const,
  )
  await renewing.evaluate(async (ttl) => {
    shelf.ahead = ttl + 60_000
    await shelf.open()
  }, TTL)
  await Promise.all([
    renewing.evaluate(
      async ([all, ttl]) => {
        for (const [at, key] of all.entries()) {
          if (at % 2 === 0) await shelf.store.set(key, 'new')
          else await shelf.store.set(key, 'new', { ttl: 10 * ttl })
        }
        shelf.kept['done'] = true
      },
      [keys, TTL] as const,
    ),
    sweeping.evaluate(async (ttl) => {
      shelf.ahead = ttl + 60_000
      // The first of them sees some that have expired, and each that does sweeps.
      for (let time = 0; time < 40; time++) await shelf.store.size()
    }, TTL),
  ])
  await sweeping.evaluate(() => shelf.store.size())
  await sweeping.evaluate(() => shelf.runtime.close())
  expect(await renewing.evaluate(() => shelf.keys())).toEqual(keys.toSorted())
  const values = await renewing.evaluate(async () => {
    const found = new Set<unknown>()
    for await (const value of shelf.store.values()) found.add(value)
    return [...found]
  })
  expect(values).toEqual(['new'])
})

test('update keeps an expiry, in another tab too; a plain set clears it', async () => {
  const [first, second] = await browser.site().twoTabs()
  await first.evaluate(async (ttl) => {
    await shelf.open()
    await shelf.store.setMany({ updated: 1, set: 1 }, { ttl })
  }, TTL)
  await second.evaluate(async () => {
    await shelf.open()
    await shelf.store.update('updated', () => 2)
    await shelf.store.set('set', 2)
  })
  const keys = await first.evaluate((ttl) => {
    shelf.ahead = ttl + 60_000
    return shelf.keys()
  }, TTL)
  expect(keys).toEqual(['set'])
})
