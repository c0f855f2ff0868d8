import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import type { StorageBase } from '../../../src/storage.ts'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

declare global {
  /** What a test has opened beside `harness.store`. */
  var storage: StorageBase
}

// Headless Chromium hides no page, so these tests replace what a hidden page sees.

/** Makes a page report that it is hidden. */
async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  })
}

/** Makes the timers of a page late: they run when the next period ends, as those of a hidden one. */
async function throttleTimers(page: Page, periodMs: number): Promise<void> {
  await page.evaluate((period) => {
    const { setTimeout: start } = globalThis
    const delayOf = (ms: number): number => {
      const end = performance.now() + ms
      return Math.ceil(end / period) * period - performance.now()
    }
    globalThis.setTimeout = ((run: () => void, ms = 0) =>
      start(run, delayOf(ms))) as typeof setTimeout
    globalThis.setInterval = ((run: () => void, ms = 0) => {
      const repeat = (): void => {
        run()
        start(repeat, delayOf(ms))
      }
      return start(repeat, delayOf(ms))
    }) as typeof setInterval
  }, periodMs)
}

/** Opens a store in two tabs, of which the first watches. */
async function openTabs(): Promise<readonly [watching: Page, writing: Page]> {
  const tabs = await browser.newOrigin().openTwoTabs()
  await Promise.all(tabs.map((tab) => tab.evaluate(() => harness.openStore())))
  await tabs[0].evaluate(() => harness.watch())
  return tabs
}

const changesOf = (page: Page): Promise<string[]> => page.evaluate(() => harness.changes)

test('a write in a hidden page makes no other tab list all keys again', async () => {
  const [watching, writing] = await openTabs()
  await throttleTimers(writing, 60_000)
  await hide(writing)
  await writing.evaluate(async () => {
    await harness.store.set('a', 1)
    await Promise.all([harness.store.set('b', 1), harness.store.set('c', 1)])
  })
  await new Promise((resolve) => setTimeout(resolve, 3500))
  expect(await changesOf(watching)).toEqual(['set a', 'set b', 'set c'])
})

test('a write right before a page is hidden makes no other tab list all keys again', async () => {
  const [watching, writing] = await openTabs()
  await throttleTimers(writing, 60_000)
  await writing.evaluate(() => harness.store.set('a', 1))
  await hide(writing)
  await new Promise((resolve) => setTimeout(resolve, 3500))
  expect(await changesOf(watching)).toEqual(['set a'])
})

test('a key stays contended as long as a hidden page, whose timers are late, has a turn on it', async () => {
  const tabs = await browser.newOrigin().openTwoTabs()
  await throttleTimers(tabs[1], 1500)
  await hide(tabs[1])
  for (const tab of tabs) {
    await tab.evaluate(async () => {
      globalThis.storage = await new harness.IndexedDBStoragePlugin().open('ns')
    })
  }
  const [other, hidden] = tabs
  await hidden.evaluate(async () => void (await storage.turns?.request(['k'], 60_000)))
  const isContended = (): Promise<boolean> =>
    other.evaluate(() => storage.turns?.isContended('k') === true)
  await eventually(isContended).toBe(true)
  const samples = await other.evaluate(async () => {
    const found = new Set<unknown>()
    for (let count = 0; count < 80; count++) {
      found.add(storage.turns?.isContended('k'))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return [...found]
  })
  expect(samples).toEqual([true])
})
