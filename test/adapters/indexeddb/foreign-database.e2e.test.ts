import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { type PageOrWorker, useChromium } from './support/chromium.ts'

const browser = useChromium()

/** Makes every kind of call on the open store, and returns their errors. */
function errorsOfAllCalls(context: PageOrWorker): Promise<Record<string, unknown>> {
  return context.evaluate(async () => {
    const { store } = harness
    return {
      get: await harness.errorOf(store.get('k')),
      has: await harness.errorOf(store.has('k')),
      set: await harness.errorOf(store.set('k', 1)),
      setMany: await harness.errorOf(store.setMany({ k: 1 })),
      delete: await harness.errorOf(store.delete('k')),
      update: await harness.errorOf(store.update('k', () => 1)),
      getOrInsert: await harness.errorOf(store.getOrInsert('k', 1)),
      pop: await harness.errorOf(store.pop('k')),
      size: await harness.errorOf(store.size()),
      keys: await harness.errorOf(harness.sortedKeys()),
      entries: await harness.errorOf(store.entries().next()),
      clear: await harness.errorOf(store.clear()),
    }
  })
}

const CORRUPT = { code: 'CORRUPT', outcome: 'not-applied', retryable: false }

/** Expects that no call works on the database, and that none changes it. */
async function expectCorrupt(tab: Page): Promise<void> {
  const before = await tab.evaluate(() => harness.databaseContent())
  const opened = await tab.evaluate(() => harness.errorOf(harness.openStore()))
  if ('code' in opened) expect(opened).toEqual(CORRUPT)
  else {
    const errors = await errorsOfAllCalls(tab)
    expect(errors).toEqual(Object.fromEntries(Object.keys(errors).map((name) => [name, CORRUPT])))
    await tab.evaluate(() => harness.runtime.close())
  }
  expect(await tab.evaluate(() => harness.databaseContent())).toEqual(before)
  expect(await tab.evaluate(() => harness.events)).toEqual([])
}

test('a database of the same name with other object stores is CORRUPT and stays unchanged', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() =>
    harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1, (db) => {
      db.createObjectStore('notes').put('a note', 'k')
    }),
  )
  await expectCorrupt(tab)
})

test('a database of the same name without object stores is CORRUPT and stays unchanged', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() => harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1))
  await expectCorrupt(tab)
})

test('a database of the same name with an object store `entries` but no `meta` is CORRUPT and stays unchanged', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() =>
    harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1, (db) => {
      db.createObjectStore('entries').put('a note', 'k')
    }),
  )
  await expectCorrupt(tab)
})

test('a database of the same name whose `entries` have a key path is CORRUPT and stays unchanged', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() =>
    harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1, (db) => {
      db.createObjectStore('entries', { keyPath: 'id' }).put({ id: 'k', text: 'a note' })
      db.createObjectStore('meta')
    }),
  )
  await expectCorrupt(tab)
})

test('opening a database of other software opens no channel', async () => {
  const tab = await browser.newOrigin().openTab()
  const channels = await tab.evaluate(async () => {
    await harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1)
    const opened: string[] = []
    globalThis.BroadcastChannel = class extends BroadcastChannel {
      constructor(name: string) {
        super(name)
        opened.push(name)
      }
    }
    // The answer comes late, when the storage has been created.
    harness.replaceMethod(
      IDBFactory.prototype,
      'open',
      (open) =>
        function (this: IDBFactory, ...parameters) {
          const request = open.apply(this, parameters)
          const listen = request.addEventListener.bind(request)
          request.addEventListener = (type: string, listener: unknown) =>
            listen(type, (event) => setTimeout(listener as EventListener, 100, event))
          return request
        },
    )
    await harness.errorOf(harness.openStore())
    return opened
  })
  expect(channels).toEqual([])
})

test.each([
  ['a string', 'a note'],
  ['null', null],
  ['an object without a version', { v: 1 }],
  ['an object whose version is not a string', { v: 1, n: 7 }],
  ['an object whose expiry is not a number', { v: 1, n: 'a', x: 'soon' }],
])(
  'a record that botshelf did not write is CORRUPT, never a missing key: %s',
  async (_, record) => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(async (foreign) => {
      await harness.openStore()
      await harness.store.set('good', 1)
      await harness.rawIndexedDB.putEntry(harness.databaseName, 'k', foreign)
    }, record)
    const errors = await tab.evaluate(async () => ({
      get: await harness.errorOf(harness.store.get('k')),
      has: await harness.errorOf(harness.store.has('k')),
      update: await harness.errorOf(harness.store.update('k', () => 1)),
      getOrInsert: await harness.errorOf(harness.store.getOrInsert('k', 1)),
      pop: await harness.errorOf(harness.store.pop('k')),
      entries: await harness.errorOf(
        (async () => {
          const listing = harness.store.entries()
          while (!(await listing.next()).done);
        })(),
      ),
    }))
    expect(Object.values(errors)).toEqual(Object.values(errors).map(() => CORRUPT))
    const read = await tab.evaluate(() => harness.databaseContent())
    expect(read?.['entries']?.find(([key]) => key === 'k')).toEqual(['k', record])
    expect(await tab.evaluate(() => harness.store.get('good'))).toBe(1)
    await tab.evaluate(() => harness.store.set('k', 2))
    expect(await tab.evaluate(() => harness.store.get('k'))).toBe(2)
  },
)
