import { expect, test } from 'vitest'
import type { Page } from 'playwright'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const TTL = 3_600_000
/** More than one page of keys, and many of entries. */
const MANY = 5700

/** Fills a namespace; every tenth key has expired. Resolves to the others. */
async function fill(tab: Page): Promise<string[]> {
  const keys = Array.from({ length: MANY }, (_, at) => `k${String(at).padStart(4, '0')}`)
  await tab.evaluate(
    async ([all, ttl]) => {
      await shelf.open()
      const pairs = all.map((key, at): [string, number, { ttl?: number }] => [
        key,
        at,
        at % 10 === 0 ? { ttl } : {},
      ])
      await shelf.store.setMany(pairs)
      shelf.ahead = ttl + 60_000
    },
    [keys, TTL] as const,
  )
  return keys.filter((_, at) => at % 10 !== 0)
}

test('a listing of many pages shows each key once, with its value, and none that has expired', async () => {
  const tab = await browser.site().tab()
  const alive = await fill(tab)
  const listed = await tab.evaluate(async () => {
    const keys: string[] = []
    for await (const key of shelf.store.keys()) keys.push(key)
    const entries: [string, unknown][] = []
    for await (const entry of shelf.store) entries.push(entry)
    const some: string[] = []
    for await (const key of shelf.store.keys({ prefix: 'k1' })) some.push(key)
    return { keys, entries, some }
  })
  expect(listed.keys).toEqual(alive)
  expect(listed.entries).toEqual(alive.map((key) => [key, Number(key.slice(1))]))
  expect(listed.some).toEqual(alive.filter((key) => key.startsWith('k1')))
})

test('a browser without getAllRecords lists the same entries', async () => {
  const tab = await browser.site().tab()
  const alive = await fill(tab)
  const entries = await tab.evaluate(async () => {
    if (!Reflect.deleteProperty(IDBObjectStore.prototype, 'getAllRecords')) throw new Error('kept')
    const found: [string, unknown][] = []
    for await (const entry of shelf.store) found.push(entry)
    return found
  })
  expect(entries).toEqual(alive.map((key) => [key, Number(key.slice(1))]))
})

test('whoever looks at the first entry only has one page read, and nothing stays open of a listing left early', async () => {
  const [tab, other] = await browser.site().twoTabs()
  await fill(tab)
  const read = await tab.evaluate(async () => {
    let begun = 0
    const restore = shelf.replace(
      IDBDatabase.prototype,
      'transaction',
      (transaction) =>
        function (this: IDBDatabase, ...given) {
          if (given[0] === 'entries') begun++
          return transaction.apply(this, given)
        },
    )
    const storage = await new shelf.IndexedDBStoragePlugin().open('ns')
    begun = 0
    const counts: number[] = []
    for (const entries of [1, 2]) {
      const listing = storage.entries()[Symbol.asyncIterator]()
      for (let at = 0; at < entries; at++) await listing.next()
      await listing.return?.()
      counts.push(begun)
    }
    restore()
    await storage.close()
    await shelf.runtime.close()
    return counts
  })
  expect(read).toEqual([1, 3])
  expect(await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))).toEqual({ blocked: false })
})

test('a page that cannot be read fails the listing, and only who asks for it', async () => {
  const tab = await browser.site().tab()
  const alive = await fill(tab)
  await tab.evaluate((key) => shelf.raw.put(shelf.DATABASE, key, 'a note'), `${alive.at(-1)}x`)
  const outcome = await tab.evaluate(async () => {
    const left = shelf.store.entries()
    for (let at = 0; at < 4900; at++) await left.next()
    await left.return()
    let count = 0
    const failure = await shelf.failure(
      (async () => {
        for await (const _ of shelf.store.entries()) count++
      })(),
    )
    return { failure, count }
  })
  expect(outcome.failure).toHaveProperty('code', 'CORRUPT')
  expect(outcome.count).toBeGreaterThan(4900)
})
