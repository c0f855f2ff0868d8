import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { type Realm, useChromium } from './support/chromium.ts'

const browser = useChromium()

/** What comes of every kind of use, each of a store opened anew. */
function useAll(realm: Realm): Promise<Record<string, unknown>> {
  return realm.evaluate(async () => {
    const { store } = shelf
    return {
      get: await shelf.failure(store.get('k')),
      has: await shelf.failure(store.has('k')),
      set: await shelf.failure(store.set('k', 1)),
      setMany: await shelf.failure(store.setMany({ k: 1 })),
      delete: await shelf.failure(store.delete('k')),
      update: await shelf.failure(store.update('k', () => 1)),
      getOrInsert: await shelf.failure(store.getOrInsert('k', 1)),
      pop: await shelf.failure(store.pop('k')),
      size: await shelf.failure(store.size()),
      keys: await shelf.failure(shelf.keys()),
      entries: await shelf.failure(store.entries().next()),
      clear: await shelf.failure(store.clear()),
    }
  })
}

const CORRUPT = { code: 'CORRUPT', outcome: 'not-applied', retryable: false }

async function corruptEverywhere(tab: Page): Promise<void> {
  const before = await tab.evaluate(() => shelf.raw.read(shelf.DATABASE))
  const opened = await tab.evaluate(() => shelf.failure(shelf.open()))
  if ('code' in opened) expect(opened).toEqual(CORRUPT)
  else {
    const used = await useAll(tab)
    expect(used).toEqual(Object.fromEntries(Object.keys(used).map((name) => [name, CORRUPT])))
    await tab.evaluate(() => shelf.runtime.close())
  }
  expect(await tab.evaluate(() => shelf.raw.read(shelf.DATABASE))).toEqual(before)
  expect(await tab.evaluate(() => shelf.events)).toEqual([])
}

test('a database of the same name without our stores is CORRUPT, and nothing in it is touched', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(() =>
    shelf.raw.make(shelf.DATABASE, 1, (db) => {
      db.createObjectStore('notes').put('a note', 'k')
    }),
  )
  await corruptEverywhere(tab)
})

test('a database of the same name without any store is CORRUPT', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(() => shelf.raw.make(shelf.DATABASE, 1))
  await corruptEverywhere(tab)
})

test('a database of the same name with another store called entries is CORRUPT, and nothing in it is touched', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(() =>
    shelf.raw.make(shelf.DATABASE, 1, (db) => {
      db.createObjectStore('entries').put('a note', 'k')
    }),
  )
  await corruptEverywhere(tab)
})

test('a database of the same name whose entries hold their keys is CORRUPT, and nothing in it is touched', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(() =>
    shelf.raw.make(shelf.DATABASE, 1, (db) => {
      db.createObjectStore('entries', { keyPath: 'id' }).put({ id: 'k', text: 'a note' })
      db.createObjectStore('meta')
    }),
  )
  await corruptEverywhere(tab)
})

test.each([
  ['a text', 'a note'],
  ['null', null],
  ['an object without a version', { v: 1 }],
  ['an object whose version is no text', { v: 1, n: 7 }],
  ['an object whose expiry is no number', { v: 1, n: 'a', x: 'soon' }],
])('a record that is not ours is CORRUPT and never a missing key: %s', async (_, record) => {
  const tab = await browser.site().tab()
  await tab.evaluate(async (foreign) => {
    await shelf.open()
    await shelf.store.set('good', 1)
    await shelf.raw.put(shelf.DATABASE, 'k', foreign)
  }, record)
  const failures = await tab.evaluate(async () => ({
    get: await shelf.failure(shelf.store.get('k')),
    has: await shelf.failure(shelf.store.has('k')),
    update: await shelf.failure(shelf.store.update('k', () => 1)),
    getOrInsert: await shelf.failure(shelf.store.getOrInsert('k', 1)),
    pop: await shelf.failure(shelf.store.pop('k')),
    entries: await shelf.failure(
      (async () => {
        const listing = shelf.store.entries()
        while (!(await listing.next()).done);
      })(),
    ),
  }))
  expect(Object.values(failures)).toEqual(Object.values(failures).map(() => CORRUPT))
  const read = await tab.evaluate(() => shelf.raw.read(shelf.DATABASE))
  expect(read?.['entries']?.find(([key]) => key === 'k')).toEqual(['k', record])
  expect(await tab.evaluate(() => shelf.store.get('good'))).toBe(1)
  await tab.evaluate(() => shelf.store.set('k', 2))
  expect(await tab.evaluate(() => shelf.store.get('k'))).toBe(2)
})
