import { expect, test } from 'vitest'
import type { Page } from 'playwright'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const TTL_MS = 3_600_000
/** More than one page of keys, and many pages of entries. */
const ENTRY_COUNT = 5700

/** Fills a namespace; every tenth entry has expired. Resolves to the keys of the others. */
async function fillStore(tab: Page): Promise<string[]> {
  const keys = Array.from(
    { length: ENTRY_COUNT },
    (_, index) => `k${String(index).padStart(4, '0')}`,
  )
  await tab.evaluate(
    async ([all, ttl]) => {
      await harness.openStore()
      const pairs = all.map((key, index): [string, number, { ttl?: number }] => [
        key,
        index,
        index % 10 === 0 ? { ttl } : {},
      ])
      await harness.store.setMany(pairs)
      harness.clockOffsetMs = ttl + 60_000
    },
    [keys, TTL_MS] as const,
  )
  return keys.filter((_, index) => index % 10 !== 0)
}

test('a listing of many pages yields each live key once, with its value, and no expired one', async () => {
  const tab = await browser.newOrigin().openTab()
  const liveKeys = await fillStore(tab)
  const listed = await tab.evaluate(async () => {
    const keys: string[] = []
    for await (const key of harness.store.keys()) keys.push(key)
    const entries: [string, unknown][] = []
    for await (const entry of harness.store) entries.push(entry)
    const withPrefix: string[] = []
    for await (const key of harness.store.keys({ prefix: 'k1' })) withPrefix.push(key)
    return { keys, entries, withPrefix }
  })
  expect(listed.keys).toEqual(liveKeys)
  expect(listed.entries).toEqual(liveKeys.map((key) => [key, Number(key.slice(1))]))
  expect(listed.withPrefix).toEqual(liveKeys.filter((key) => key.startsWith('k1')))
})

test('a browser without getAllRecords lists the same entries', async () => {
  const tab = await browser.newOrigin().openTab()
  const liveKeys = await fillStore(tab)
  const entries = await tab.evaluate(async () => {
    if (!Reflect.deleteProperty(IDBObjectStore.prototype, 'getAllRecords'))
      throw new Error('not deleted')
    const found: [string, unknown][] = []
    for await (const entry of harness.store) found.push(entry)
    return found
  })
  expect(entries).toEqual(liveKeys.map((key) => [key, Number(key.slice(1))]))
})

test('reading only the first entry reads one page, and a listing that is left early holds nothing open', async () => {
  const [tab, other] = await browser.newOrigin().openTwoTabs()
  await fillStore(tab)
  const counts = await tab.evaluate(async () => {
    let transactions = 0
    const restore = harness.replaceMethod(
      IDBDatabase.prototype,
      'transaction',
      (transaction) =>
        function (this: IDBDatabase, ...parameters) {
          if (parameters[0] === 'entries') transactions++
          return transaction.apply(this, parameters)
        },
    )
    const storage = await new harness.IndexedDBStoragePlugin().open('ns')
    transactions = 0
    const perListing: number[] = []
    for (const entries of [1, 2]) {
      const listing = storage.entries()[Symbol.asyncIterator]()
      for (let index = 0; index < entries; index++) await listing.next()
      await listing.return?.()
      perListing.push(transactions)
    }
    restore()
    await storage.close()
    await harness.runtime.close()
    return perListing
  })
  expect(counts).toEqual([1, 3])
  expect(await other.evaluate(() => harness.deleteDatabase())).toEqual({
    blocked: false,
  })
})

test('a listing rejects when it reaches a page that cannot be read, not before', async () => {
  const tab = await browser.newOrigin().openTab()
  const liveKeys = await fillStore(tab)
  await tab.evaluate(
    (key) => harness.rawIndexedDB.putEntry(harness.databaseName, key, 'a note'),
    `${liveKeys.at(-1)}x`,
  )
  const outcome = await tab.evaluate(async () => {
    const leftEarly = harness.store.entries()
    for (let index = 0; index < 4900; index++) await leftEarly.next()
    await leftEarly.return()
    let count = 0
    const error = await harness.errorOf(
      (async () => {
        for await (const _ of harness.store.entries()) count++
      })(),
    )
    return { error, count }
  })
  expect(outcome.error).toHaveProperty('code', 'CORRUPT')
  expect(outcome.count).toBeGreaterThan(4900)
})
