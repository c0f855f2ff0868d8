import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { type TestOrigin, useChromium } from './support/chromium.ts'

const browser = useChromium()

const TRIES = 24
const LARGE_BYTES = 2_000_000

declare global {
  /** Writes to the database in its own transaction. */
  var write: (key: string, value: unknown) => Promise<unknown>
}

async function useStore(page: Page): Promise<void> {
  await page.evaluate(() => {
    globalThis.write = (key, value) => harness.store.set(key, value)
  })
}

async function useRawIndexedDB(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const db = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(harness.databaseName)
      request.addEventListener('success', () => resolve(request.result))
    })
    globalThis.write = (key, value) =>
      new Promise((resolve) => {
        const transaction = db.transaction('entries', 'readwrite', { durability: 'strict' })
        transaction.objectStore('entries').put({ value, version: key }, key)
        transaction.addEventListener('complete', resolve)
        transaction.commit()
      })
  })
}

/**
 * Leaves a page while a large write is in flight, and writes a small value in `pagehide`. Resolves to
 * which keys are stored, or to nothing if the large write was complete too early.
 */
async function leaveDuringWrite(
  origin: TestOrigin,
  use: (page: Page) => Promise<void>,
): Promise<string[] | undefined> {
  const page = await origin.openTab()
  await page.evaluate(async () => {
    // Before the store is opened and has its own listeners.
    addEventListener('pagehide', () => {
      localStorage.setItem('inFlight', String(harness.saved['inFlight']))
      void write('small', 1)
    })
    await harness.openStore()
    await harness.store.clear()
  })
  await use(page)
  await page.evaluate((bytes) => {
    harness.saved['inFlight'] = true
    void write('large', harness.randomBytes(bytes)).then(() => (harness.saved['inFlight'] = false))
    setTimeout(() => (location.href = '/elsewhere'))
  }, LARGE_BYTES)
  await page.waitForURL('**/elsewhere')
  const found = await page.evaluate(async () => ({
    keys: await harness.storedKeys(),
    inFlight: localStorage.getItem('inFlight'),
  }))
  await page.close()
  return found.inFlight === 'true' ? (found.keys as string[]) : undefined
}

test('a small set in pagehide while a large one is in flight survives as often as with raw IndexedDB', async () => {
  const origin = browser.newOrigin()
  const share = { useStore: { large: 0, both: 0 }, useRawIndexedDB: { large: 0, both: 0 } }
  for (let index = 0; index < TRIES; index++) {
    for (const use of [useStore, useRawIndexedDB]) {
      const keys = await leaveDuringWrite(origin, use)
      if (!keys?.includes('large')) continue
      const counts = share[use.name as keyof typeof share]
      counts.large++
      if (keys.includes('small')) counts.both++
    }
  }
  const { useStore: ours, useRawIndexedDB: raw } = share
  // The browser completes the large write by chance, and then usually the small one too.
  expect(ours.large).toBeGreaterThan(0)
  expect(ours.both / ours.large).toBeGreaterThanOrEqual(raw.both / raw.large / 2)
}, 300_000)
