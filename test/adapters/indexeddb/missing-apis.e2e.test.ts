import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

/** Uses a store, and returns whether it can watch and what `watch()` throws. */
async function useStore(page: Page): Promise<unknown> {
  return page.evaluate(async () => {
    await harness.openStore()
    const { store } = harness
    await store.set('a', 1)
    await Promise.all([1, 2, 3].map(() => store.update('a', async (n) => (n as number) + 1)))
    await store.setMany({ b: 2, c: 3 })
    await store.delete('b')
    const found = [await harness.sortedKeys(), await store.get('a'), await store.size()]
    const watching = (async () => store.watch().return())()
    const result = { found, watch: store.traits.watch, watching: await harness.errorOf(watching) }
    await harness.runtime.close()
    return result
  })
}

const FOUND = [['a', 'c'], 4, 2]
const CAN_WATCH = { found: FOUND, watch: true, watching: { resolved: { done: true } } }
const CANNOT_WATCH = {
  found: FOUND,
  watch: false,
  watching: { code: 'UNAVAILABLE', outcome: 'not-applied', retryable: false },
}

test.each<[description: string, remove: () => void, expected: object]>([
  [
    'there is no BroadcastChannel',
    () => Reflect.deleteProperty(globalThis, 'BroadcastChannel'),
    CANNOT_WATCH,
  ],
  [
    'BroadcastChannel throws',
    () => {
      harness.replaceMethod(
        globalThis,
        'BroadcastChannel',
        () =>
          function () {
            throw new DOMException('denied', 'SecurityError')
          } as unknown as typeof BroadcastChannel,
      )
    },
    CANNOT_WATCH,
  ],
  [
    'there are no Web Locks',
    () => Object.defineProperty(navigator, 'locks', { value: undefined }),
    CAN_WATCH,
  ],
  ['there is no localStorage', () => Reflect.deleteProperty(globalThis, 'localStorage'), CAN_WATCH],
])(
  'if %s, a store works, and traits.watch says whether it has watch()',
  async (_, remove, expected) => {
    const page = await browser.newOrigin().openTab()
    await page.evaluate(remove)
    expect(await useStore(page)).toEqual(expected)
  },
)

test('without BroadcastChannel, a storage has no watch method', async () => {
  const page = await browser.newOrigin().openTab()
  const hasWatch = await page.evaluate(async () => {
    Reflect.deleteProperty(globalThis, 'BroadcastChannel')
    const storage = await new harness.IndexedDBStoragePlugin().open('ns')
    return storage.watch !== undefined
  })
  expect(hasWatch).toBe(false)
})

test('without indexedDB.databases, namespaces() is UNAVAILABLE and a store works', async () => {
  const page = await browser.newOrigin().openTab()
  const error = await page.evaluate(async () => {
    Reflect.deleteProperty(IDBFactory.prototype, 'databases')
    const runtime = await harness.startRuntime()
    return harness.errorOf(runtime.namespaces().next())
  })
  expect(error).toMatchObject({ code: 'UNAVAILABLE' })
  expect(await useStore(page)).toEqual(CAN_WATCH)
})

test('a store works in a page that was loaded over HTTP', async () => {
  const { port } = new URL(browser.newOrigin().url)
  const page = await browser.context.newPage()
  await page.route('http://insecure.test/**', async (route) => {
    const { pathname } = new URL(route.request().url())
    const response = await page.request.get(`http://127.0.0.1:${port}${pathname}`)
    await route.fulfill({ response })
  })
  await page.goto('http://insecure.test/')
  expect(await page.evaluate(() => [isSecureContext, 'randomUUID' in crypto])).toEqual([
    false,
    false,
  ])
  expect(await useStore(page)).toEqual(CAN_WATCH)
})
