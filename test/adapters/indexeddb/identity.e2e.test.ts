import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { type PageOrWorker, type TestOrigin, useChromium } from './support/chromium.ts'

const browser = useChromium()

/** Opens the store, which emits what it finds before `close()` resolves. */
async function visit(context: PageOrWorker): Promise<{ value: unknown; events: string[] }> {
  return context.evaluate(async () => {
    await harness.openStore()
    const value = await harness.store.get('a')
    await harness.runtime.close()
    return { value, events: harness.events.splice(0) }
  })
}

/** Stores an entry, and kills the browser half a second after that. */
async function storeAndKill(context: PageOrWorker): Promise<void> {
  await context.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    await new Promise((resolve) => setTimeout(resolve, 500))
  })
  await browser.kill()
}

const CONTEXTS: [name: string, open: (origin: TestOrigin) => Promise<PageOrWorker>][] = [
  ['page', (origin) => origin.openTab()],
  ['worker', async (origin) => origin.startWorker(await origin.openTab())],
]

describe.each(CONTEXTS)('in a %s, after the browser was killed within a second', (_, open) => {
  test('data-lost is emitted once if the browser erased the databases', async () => {
    const origin = browser.newOrigin()
    await storeAndKill(await open(origin))
    await browser.eraseDatabases()
    await browser.launch()
    const next = await open(origin)
    expect(await visit(next)).toEqual({ value: undefined, events: ['data-lost'] })
    expect(await visit(next)).toEqual({ value: undefined, events: [] })
  })

  test('no data-lost is emitted if the databases are still there', async () => {
    const origin = browser.newOrigin()
    await storeAndKill(await open(origin))
    await browser.launch()
    expect(await visit(await open(origin))).toEqual({ value: 1, events: [] })
  })
})

test('two tabs and a worker that open a database at once report no loss', async () => {
  const origin = browser.newOrigin()
  const tabs = await origin.openTwoTabs()
  const contexts = [...tabs, await origin.startWorker(tabs[0])]
  for (let round = 1; round <= 3; round++) {
    for (const { events } of await Promise.all(contexts.map(visit))) expect(events).toEqual([])
  }
  expect(await tabs[0].evaluate(() => harness.rememberedIdentities())).toHaveLength(1)
})

test('the mark of a database belongs to its name, of any characters', async () => {
  const tab = await browser.newOrigin().openTab()
  const names = ['a', 'A', 'a/b', 'a%2Fb', '.', '..', '\uFFFD', 'é'.repeat(999)]
  const visitAll = (): Promise<string[]> =>
    tab.evaluate(async (namespaces) => {
      const runtime = await harness.startRuntime()
      for (const namespace of namespaces) await runtime.open(namespace)
      await runtime.close()
      return harness.events
    }, names)
  expect(await visitAll()).toEqual([])
  expect(await visitAll()).toEqual([])
  const identities = await tab.evaluate(() => harness.rememberedIdentities())
  expect(new Set(identities).size).toBe(names.length)
})

test('a store that is closed right after its opening waits for no timer, leaves none, and leaves its mark', async () => {
  const tab = await browser.newOrigin().openTab()
  const timersLeft = await tab.evaluate(async () => {
    const timers = new Set<unknown>()
    let lastTimer = 0
    // As in a hidden page, whose timers are late.
    globalThis.setTimeout = ((_: () => void, ms: number) => {
      lastTimer++
      // The opening leaves one of 2 ms.
      if (ms > 2) timers.add(lastTimer)
      return lastTimer
    }) as unknown as typeof setTimeout
    globalThis.clearTimeout = (timer) => timers.delete(timer)
    await harness.openStore()
    await harness.runtime.close()
    return timers.size
  })
  expect(timersLeft).toBe(0)
  expect(await tab.evaluate(() => harness.rememberedIdentities())).toHaveLength(1)
})

const DENIALS: [description: string, deny: () => void][] = [
  [
    'there is no cache',
    () => {
      Object.defineProperty(globalThis, 'caches', { value: undefined })
    },
  ],
  [
    'the cache is denied',
    () => {
      harness.replaceMethod(CacheStorage.prototype, 'open', () => () => {
        return Promise.reject(new DOMException('Denied.', 'SecurityError'))
      })
    },
  ],
  [
    'the cache is full',
    () => {
      harness.replaceMethod(Cache.prototype, 'put', () => () => {
        return Promise.reject(new DOMException('Full.', 'QuotaExceededError'))
      })
    },
  ],
  [
    'the cache never answers',
    () => {
      harness.replaceMethod(CacheStorage.prototype, 'open', () => () => new Promise(() => {}))
    },
  ],
]

test.each(DENIALS)('if %s, the store works, and nothing is reported', async (_, deny) => {
  const tab: Page = await browser.newOrigin().openTab()
  await tab.evaluate(deny)
  await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    await harness.runtime.close()
  })
  expect(await visit(tab)).toEqual({ value: 1, events: [] })
  await tab.evaluate(() => harness.deleteDatabase())
  expect(await visit(tab)).toEqual({ value: undefined, events: [] })
})

test('opening does not wait for what is remembered', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async () => {
    const restore = harness.replaceMethod(CacheStorage.prototype, 'open', () => () => {
      harness.saved['isAccessed'] = true
      return new Promise(() => {})
    })
    await harness.openStore()
    harness.saved['wasAccessed'] = harness.saved['isAccessed'] ?? false
    await harness.runtime.close()
    restore()
  })
  expect(await tab.evaluate(() => harness.saved)).toEqual({ wasAccessed: false, isAccessed: true })
})
