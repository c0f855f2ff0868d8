import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumLaunch } from '../../../scripts/chromium.ts'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

const UNAVAILABLE = { code: 'UNAVAILABLE', outcome: 'not-applied', retryable: false }

test('a sandboxed frame has no storage: UNAVAILABLE, each time, and never memory instead', async () => {
  const tab = await browser.site().tab('/sandbox')
  await eventually(async () => tab.frames().length).toBe(2)
  const frame = tab.frames()[1]
  await frame?.waitForFunction(() => 'shelf' in globalThis)
  for (let time = 0; time < 2; time++) {
    expect(await frame?.evaluate(() => shelf.failure(shelf.open()))).toEqual(UNAVAILABLE)
  }
})

const DENIALS: [string, () => void][] = [
  [
    'indexedDB is undefined',
    () => {
      Object.defineProperty(globalThis, 'indexedDB', { value: undefined, configurable: true })
    },
  ],
  [
    'there is no indexedDB',
    () => {
      for (const holder of [globalThis, Window.prototype])
        Reflect.deleteProperty(holder, 'indexedDB')
    },
  ],
  [
    'opening throws a SecurityError',
    () => {
      const error = new DOMException('The user denied permission.', 'SecurityError')
      const restore = shelf.replace(IDBFactory.prototype, 'open', () => () => {
        throw error
      })
      shelf.replace(IDBFactory.prototype, 'databases', () => () => Promise.reject(error))
      shelf.kept['allow'] = restore
    },
  ],
  [
    'opening is answered with an InvalidStateError',
    () => {
      const words = 'A mutation operation was attempted on a database that did not allow mutations.'
      const error = new DOMException(words, 'InvalidStateError')
      shelf.replace(IDBFactory.prototype, 'open', () => {
        return () => {
          const request = new EventTarget() as IDBOpenDBRequest
          Object.setPrototypeOf(request, IDBOpenDBRequest.prototype)
          Object.defineProperty(request, 'error', { value: error })
          setTimeout(() => EventTarget.prototype.dispatchEvent.call(request, new Event('error')))
          return request
        }
      })
      shelf.replace(IDBFactory.prototype, 'databases', () => () => Promise.reject(error))
    },
  ],
]

test.each(DENIALS)('%s: UNAVAILABLE, and never memory instead', async (_, deny) => {
  const tab = await browser.site().tab()
  await tab.evaluate(deny)
  for (let time = 0; time < 2; time++) {
    expect(await tab.evaluate(() => shelf.failure(shelf.open()))).toEqual(UNAVAILABLE)
  }
  const listed = await tab.evaluate(async () => {
    const runtime = await shelf.start()
    return shelf.failure(runtime.namespaces().next())
  })
  expect(listed).toEqual(UNAVAILABLE)
  expect(await tab.evaluate(() => shelf.events)).toEqual([])
})

test('once the browser allows it, the same runtime opens', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(DENIALS[2]?.[1] ?? (() => {}))
  const failed = await tab.evaluate(async () => {
    shelf.runtime = await shelf.start()
    return shelf.failure(shelf.runtime.open('ns'))
  })
  expect(failed).toEqual(UNAVAILABLE)
  const value = await tab.evaluate(async () => {
    ;(shelf.kept['allow'] as () => void)()
    const store = await shelf.runtime.open('ns')
    await store.set('a', 1)
    return store.get('a')
  })
  expect(value).toBe(1)
})

test('a tab that the browser gives no localStorage can store all the same', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(() => {
    Object.defineProperty(globalThis, 'localStorage', {
      get() {
        throw new DOMException('Access is denied for this document.', 'SecurityError')
      },
    })
  })
  const value = await tab.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('a', 1)
    return shelf.store.get('a')
  })
  expect(value).toBe(1)
})

test('a person who has blocked the data of all sites: UNAVAILABLE, for opening and for listing', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'botshelf-blocked-'))
  onTestFinished(() => rm(profile, { recursive: true, force: true }))
  await mkdir(join(profile, 'Default'))
  const blocked = { profile: { default_content_setting_values: { cookies: 2 } } }
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(blocked))
  const context = await chromium.launchPersistentContext(profile, chromiumLaunch())
  onTestFinished(() => context.close())
  const tab = await context.newPage()
  await tab.goto(browser.site().origin)
  expect(await tab.evaluate(() => shelf.failure(shelf.open()))).toEqual(UNAVAILABLE)
  const listing = tab.evaluate(async () => {
    const runtime = await shelf.start()
    return shelf.failure(runtime.namespaces().next())
  })
  expect(await listing).toEqual(UNAVAILABLE)
})
