import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumLaunch } from '../../../scripts/chromium.ts'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

const UNAVAILABLE = { code: 'UNAVAILABLE', outcome: 'not-applied', retryable: false }

test('opening in a sandboxed frame is UNAVAILABLE every time, and never falls back to memory', async () => {
  const tab = await browser.newOrigin().openTab('/sandbox')
  await eventually(async () => tab.frames().length).toBe(2)
  const frame = tab.frames()[1]
  await frame?.waitForFunction(() => 'harness' in globalThis)
  for (let attempt = 1; attempt <= 2; attempt++) {
    expect(await frame?.evaluate(() => harness.errorOf(harness.openStore()))).toEqual(UNAVAILABLE)
  }
})

const DENIALS: [description: string, deny: () => void][] = [
  [
    'indexedDB is undefined',
    () => {
      Object.defineProperty(globalThis, 'indexedDB', { value: undefined, configurable: true })
    },
  ],
  [
    'indexedDB does not exist',
    () => {
      for (const owner of [globalThis, Window.prototype]) Reflect.deleteProperty(owner, 'indexedDB')
    },
  ],
  [
    'opening throws a SecurityError',
    () => {
      const error = new DOMException('The user denied permission.', 'SecurityError')
      const restore = harness.replaceMethod(IDBFactory.prototype, 'open', () => () => {
        throw error
      })
      harness.replaceMethod(IDBFactory.prototype, 'databases', () => () => Promise.reject(error))
      harness.saved['allow'] = restore
    },
  ],
  [
    'opening fails with an InvalidStateError',
    () => {
      const message =
        'A mutation operation was attempted on a database that did not allow mutations.'
      const error = new DOMException(message, 'InvalidStateError')
      harness.replaceMethod(IDBFactory.prototype, 'open', () => {
        return () => {
          const request = new EventTarget() as IDBOpenDBRequest
          Object.setPrototypeOf(request, IDBOpenDBRequest.prototype)
          Object.defineProperty(request, 'error', { value: error })
          setTimeout(() => EventTarget.prototype.dispatchEvent.call(request, new Event('error')))
          return request
        }
      })
      harness.replaceMethod(IDBFactory.prototype, 'databases', () => () => Promise.reject(error))
    },
  ],
]

test.each(DENIALS)(
  'if %s, opening and listing are UNAVAILABLE, and never fall back to memory',
  async (_, deny) => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(deny)
    for (let attempt = 1; attempt <= 2; attempt++) {
      expect(await tab.evaluate(() => harness.errorOf(harness.openStore()))).toEqual(UNAVAILABLE)
    }
    const listed = await tab.evaluate(async () => {
      const runtime = await harness.startRuntime()
      return harness.errorOf(runtime.namespaces().next())
    })
    expect(listed).toEqual(UNAVAILABLE)
    expect(await tab.evaluate(() => harness.events)).toEqual([])
  },
)

test('a runtime can open a namespace once the browser allows access', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(DENIALS[2]?.[1] ?? (() => {}))
  const error = await tab.evaluate(async () => {
    harness.runtime = await harness.startRuntime()
    return harness.errorOf(harness.runtime.open('ns'))
  })
  expect(error).toEqual(UNAVAILABLE)
  const value = await tab.evaluate(async () => {
    ;(harness.saved['allow'] as () => void)()
    const store = await harness.runtime.open('ns')
    await store.set('a', 1)
    return store.get('a')
  })
  expect(value).toBe(1)
})

test('a tab without localStorage can store data', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() => {
    Object.defineProperty(globalThis, 'localStorage', {
      get() {
        throw new DOMException('Access is denied for this document.', 'SecurityError')
      },
    })
  })
  const value = await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    return harness.store.get('a')
  })
  expect(value).toBe(1)
})

test('opening and listing are UNAVAILABLE if the user has blocked site data for all sites', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'botshelf-blocked-'))
  onTestFinished(() => rm(profile, { recursive: true, force: true }))
  await mkdir(join(profile, 'Default'))
  const blocked = { profile: { default_content_setting_values: { cookies: 2 } } }
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(blocked))
  const context = await chromium.launchPersistentContext(profile, chromiumLaunch())
  onTestFinished(() => context.close())
  const tab = await context.newPage()
  await tab.goto(browser.newOrigin().url)
  expect(await tab.evaluate(() => harness.errorOf(harness.openStore()))).toEqual(UNAVAILABLE)
  const listing = tab.evaluate(async () => {
    const runtime = await harness.startRuntime()
    return harness.errorOf(runtime.namespaces().next())
  })
  expect(await listing).toEqual(UNAVAILABLE)
})
