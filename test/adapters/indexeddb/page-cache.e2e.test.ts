import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import type { StorageBase } from '../../../src/storage.ts'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium({ hasPageCache: true })

declare global {
  /** The storage of the same database beside `harness.store`. */
  var storage: StorageBase
}

/** Opens a watched store in a tab, and a store in another. */
async function openTabs(): Promise<readonly [watching: Page, other: Page]> {
  const tabs = await browser.newOrigin().openTwoTabs()
  for (const tab of tabs) {
    await tab.evaluate(async () => {
      await harness.openStore()
      globalThis.storage = await new harness.IndexedDBStoragePlugin().open('ns')
    })
  }
  await tabs[0].evaluate(() => harness.watch())
  return tabs
}

/** Navigates away, so that the page goes into the back/forward cache, and returns after `during`. */
async function leaveAndReturn(page: Page, during: () => Promise<void>): Promise<void> {
  await page.evaluate(() =>
    addEventListener('pageshow', ({ persisted }) => (harness.saved['restored'] = persisted)),
  )
  await page.goto(new URL('/elsewhere', page.url()).href)
  await during()
  await page.goBack({ waitUntil: 'commit' })
  // If the browser has not restored the page, the result is its reasons.
  const restored = (): Promise<unknown> =>
    page.evaluate(() => {
      if ('restored' in harness.saved) return harness.saved['restored']
      return (performance.getEntriesByType('navigation') as unknown[]).map(
        (entry) => (entry as { notRestoredReasons: unknown }).notRestoredReasons,
      )
    })
  await eventually(restored).toBe(true)
}

const changesOf = (page: Page): Promise<string[]> => page.evaluate(() => harness.changes)

test('a page returns from the back/forward cache although other tabs wrote, and its watch catches up', async () => {
  const [watching, other] = await openTabs()
  await watching.evaluate(() => harness.store.set('before', 1))
  await leaveAndReturn(watching, async () => {
    await other.evaluate(() => harness.store.setMany({ a: 1, b: 2 }))
    await other.evaluate(() => harness.store.delete('before'))
    // The tab announces its writes after a delay. A page that is back by then reports them again.
    await other.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1000)))
  })
  await eventually(() => changesOf(watching)).toEqual(['set before', 'clear', 'set a', 'set b'])
  await other.evaluate(() => harness.store.set('after', 1))
  await eventually(async () => (await changesOf(watching)).slice(4)).toEqual(['set after'])
  await watching.evaluate(() => harness.store.set('own', 1))
  await eventually(async () => (await changesOf(watching)).slice(5)).toEqual(['set own'])
  expect(await other.evaluate(() => harness.store.get('own'))).toBe(1)
})

test('a page that had turns returns from the back/forward cache although another tab took them', async () => {
  const [cached, other] = await openTabs()
  await cached.evaluate(async () => {
    await storage.turns?.request(['held'], 60_000)
  })
  await other.evaluate(async () => {
    const turn = await storage.turns?.request(['awaited'], 60_000)
    harness.saved['release'] = () => turn?.release()
  })
  await cached.evaluate(() => void storage.turns?.request(['awaited'], 60_000))
  await leaveAndReturn(cached, async () => {
    await other.evaluate(async () => {
      ;(harness.saved['release'] as () => void)()
      for (const key of ['held', 'awaited'])
        (await storage.turns?.request([key], 60_000))?.release()
    })
  })
  await cached.evaluate(async () => {
    await storage.turns?.request(['again'], 60_000)
  })
  await eventually(() => other.evaluate(() => storage.turns?.isContended('again'))).toBe(true)
})

test('a watch in another tab receives what a page writes in pagehide', async () => {
  const [watching, writing] = await openTabs()
  await writing.evaluate(() =>
    addEventListener('pagehide', () => void harness.store.set('late', 1)),
  )
  await leaveAndReturn(writing, async () => {
    await eventually(() => changesOf(watching)).toContain('set late')
  })
})

test('writes in pagehide stay in order with those before and after', async () => {
  const [page] = await openTabs()
  await page.evaluate(async () => {
    const { store } = harness
    const large = harness.randomBytes(30_000_000)
    const order: string[] = []
    harness.saved['order'] = order
    const track = (name: string, write: Promise<unknown>): void =>
      void write.then(() => order.push(name))
    addEventListener('pagehide', () => {
      track('hiding 1', store.set('k', 'hiding 1'))
      queueMicrotask(() => track('hiding 2', store.set('k', 'hiding 2')))
    })
    addEventListener('pageshow', () => track('shown', store.set('last', 1)))
    track('large', store.set('large', large))
    await Promise.resolve()
    track('waiting', store.set('k', 'waiting'))
  })
  await leaveAndReturn(page, async () => {})
  const order = (): Promise<unknown> => page.evaluate(() => harness.saved['order'])
  await eventually(order).toEqual(['large', 'waiting', 'hiding 1', 'hiding 2', 'shown'])
  expect(await page.evaluate(() => harness.store.get('k'))).toBe('hiding 2')
})

test('close() removes all listeners of the page', async () => {
  const page = await browser.newOrigin().openTab()
  const devTools = await page.context().newCDPSession(page)
  const listeners = async (): Promise<string[]> => {
    const { result } = await devTools.send('Runtime.evaluate', { expression: 'window' })
    const { objectId = '' } = result
    const found = await devTools.send('DOMDebugger.getEventListeners', { objectId })
    return found.listeners.map(({ type }) => type).toSorted()
  }
  const before = await listeners()
  await page.evaluate(() => harness.openStore())
  const expected = [...before, 'pagehide', 'pageshow', 'visibilitychange'].toSorted()
  expect(await listeners()).toEqual(expected)
  await page.evaluate(() => harness.runtime.close())
  expect(await listeners()).toEqual(before)
})
