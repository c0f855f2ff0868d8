import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

/** Drops the namespace `ns` with a host that records events; resolves to the error, if any. */
async function drop(tab: Page, openTimeout = 10_000): Promise<unknown> {
  return tab.evaluate(async (timeout) => {
    const plugin = new harness.IndexedDBStoragePlugin({ STORAGE_CONFIG: { openTimeout: timeout } })
    const host = { now: Date.now, emit: (type: string) => void harness.events.push(type) }
    return harness.errorOf(plugin.drop('ns', host))
  }, openTimeout)
}

const databaseNames = (tab: Page): Promise<unknown> =>
  tab.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))

const identitiesOf = (tab: Page): Promise<unknown[]> =>
  tab.evaluate(() => harness.rememberedIdentities())

/** Stores an entry, closes the store and waits until the identity is remembered. */
async function storeAndClose(tab: Page): Promise<void> {
  await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    await harness.runtime.close()
  })
  expect(await identitiesOf(tab)).toHaveLength(1)
}

test('drop() deletes the database and what is remembered of it; a new one emits no data-lost', async () => {
  const tab = await browser.newOrigin().openTab()
  await storeAndClose(tab)
  expect(await drop(tab)).toEqual({ resolved: undefined })
  expect(await databaseNames(tab)).toEqual([])
  expect(await identitiesOf(tab)).toEqual([])
  const value = await tab.evaluate(async () => {
    await harness.openStore()
    const found = await harness.store.get('a')
    await harness.runtime.close()
    return found
  })
  expect(value).toBe(undefined)
  expect(await tab.evaluate(() => harness.events)).toEqual([])
})

test('drop() of a namespace that does not exist succeeds and creates nothing', async () => {
  const tab = await browser.newOrigin().openTab()
  expect(await drop(tab)).toEqual({ resolved: undefined })
  expect(await databaseNames(tab)).toEqual([])
})

test('drop() is not blocked by a tab that has the namespace open; that tab emits data-lost', async () => {
  const [dropping, open] = await browser.newOrigin().openTwoTabs()
  await open.evaluate(async () => {
    await harness.openStore()
    harness.watch()
    await harness.store.set('a', 1)
  })
  expect(await drop(dropping)).toEqual({ resolved: undefined })
  await eventually(() => open.evaluate(() => harness.events)).toEqual(['data-lost'])
  await eventually(() => open.evaluate(() => harness.changes)).toEqual(['set a', 'clear'])
  expect(await open.evaluate(() => harness.store.get('a'))).toBe(undefined)
  expect(await dropping.evaluate(() => harness.events)).toEqual([])
})

test('drop() leaves nothing remembered of a database that another tab has just opened', async () => {
  const [dropping, open] = await browser.newOrigin().openTwoTabs()
  await open.evaluate(async () => {
    harness.replaceMethod(
      Cache.prototype,
      'match',
      (match) =>
        async function (this: Cache, ...parameters) {
          await new Promise<void>((resolve) => (harness.saved['continue'] = resolve))
          return match.apply(this, parameters)
        },
    )
    await harness.openStore()
  })
  await eventually(() => open.evaluate(() => 'continue' in harness.saved)).toBe(true)
  expect(await drop(dropping)).toEqual({ resolved: undefined })
  await open.evaluate(async () => {
    ;(harness.saved['continue'] as () => void)()
    await harness.runtime.close()
  })
  expect(await identitiesOf(dropping)).toEqual([])
})

test('drop() is BLOCKED after openTimeout if another tab keeps the database open, and takes effect later', async () => {
  const [dropping, holder] = await browser.newOrigin().openTwoTabs()
  await storeAndClose(dropping)
  await holder.evaluate(
    async () => void (await harness.testing.blockedIndexedDB({ database: harness.databaseName })),
  )
  const error = { code: 'BLOCKED', outcome: 'unknown', retryable: true }
  expect(await drop(dropping, 200)).toEqual(error)
  expect(await dropping.evaluate(() => harness.events)).toEqual(['blocked'])
  await holder.close()
  await eventually(() => databaseNames(dropping)).toEqual([])
  await eventually(() => identitiesOf(dropping)).toEqual([])
})

test('drop() is UNAVAILABLE where there is no IndexedDB', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() => Object.defineProperty(globalThis, 'indexedDB', { value: undefined }))
  expect(await drop(tab)).toHaveProperty('code', 'UNAVAILABLE')
})
