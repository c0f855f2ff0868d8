import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

interface FailingMethod {
  readonly method: 'open' | 'deleteDatabase'
  readonly message: string
  readonly name?: string
  /** How many calls fail. Default: 1. */
  readonly count?: number
}

/** Makes the next requests of a page fail as the browser does, with an event. */
async function failNext(tab: Page, failing: FailingMethod): Promise<void> {
  await tab.evaluate(({ method, message, name = 'UnknownError', count = 1 }) => {
    harness.saved['failed'] = 0
    harness.replaceMethod(
      IDBFactory.prototype,
      method,
      (original) =>
        function (this: IDBFactory, ...parameters: [string]) {
          if ((harness.saved['failed'] as number) >= count) return original.apply(this, parameters)
          harness.saved['failed'] = (harness.saved['failed'] as number) + 1
          const request = new EventTarget() as IDBOpenDBRequest
          Object.setPrototypeOf(request, IDBOpenDBRequest.prototype)
          Object.defineProperty(request, 'error', { value: new DOMException(message, name) })
          setTimeout(() => EventTarget.prototype.dispatchEvent.call(request, new Event('error')))
          return request
        },
    )
  }, failing)
}

/** Makes requests never fire an event. */
async function silence(tab: Page, method: 'open' | 'deleteDatabase'): Promise<void> {
  await tab.evaluate((name) => {
    harness.saved['restore'] = harness.replaceMethod(
      IDBFactory.prototype,
      name,
      () => () =>
        Object.setPrototypeOf(new EventTarget(), IDBOpenDBRequest.prototype) as IDBOpenDBRequest,
    )
  }, method)
}

const BACKING_STORE = 'Internal error opening backing store for indexedDB.open.'
const SERVER_LOST = 'Connection to Indexed Database server lost. Refresh the page to try again'
const LOST = { code: 'CONNECTION_LOST', outcome: 'not-applied', retryable: true }

test.each([
  [BACKING_STORE, 1],
  [SERVER_LOST, 3],
  ['Unable to open database file on disk', 1],
  ['Words that are in no table.', 4],
])('opening succeeds although it failed with %j before, %i times', async (message, count) => {
  const tab = await browser.newOrigin().openTab()
  await failNext(tab, { method: 'open', message, count })
  const found = await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    return [await harness.store.get('a'), harness.saved['failed']]
  })
  expect(found).toEqual([1, count])
  expect(await tab.evaluate(() => harness.events)).toEqual([])
})

test('opening that fails every time is retried with backoff until openTimeout, and is retryable', async () => {
  const tab = await browser.newOrigin().openTab()
  await failNext(tab, { method: 'open', message: BACKING_STORE, count: 6 })
  const first = await tab.evaluate(async () => {
    const start = performance.now()
    const error = await harness.errorOf(harness.openStore({ config: { openTimeout: 300 } }))
    return { error, ms: performance.now() - start, attempts: harness.saved['failed'] }
  })
  expect(first.error).toEqual(LOST)
  expect(first.ms).toBeGreaterThan(250)
  expect(first.attempts).toBeGreaterThan(2)
  expect(first.attempts).toBeLessThan(7)
  await tab.evaluate(() => harness.openStore())
})

for (const operation of ['get', 'update', 'set', 'size', 'keys', 'clear'] as const) {
  test(`${operation} works although reopening a dead connection failed once`, async () => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(async () => {
      harness.startRecording()
      await harness.openStore()
      await harness.store.set('a', 1)
      harness.recording.connections[0]?.close()
    })
    await failNext(tab, { method: 'open', message: SERVER_LOST })
    const results = await tab.evaluate(
      async (name) =>
        harness.errorOf(
          {
            get: () => harness.store.get('a'),
            update: () => harness.store.update('a', () => 1),
            set: () => harness.store.set('a', 1),
            size: () => harness.store.size(),
            keys: () => harness.sortedKeys(),
            clear: () => harness.store.clear(),
          }[name](),
        ),
      operation,
    )
    expect(results).toHaveProperty('resolved')
    expect(await tab.evaluate(() => harness.saved['failed'])).toBe(1)
  })
}

test('opening and dropping are TIMEOUT after openTimeout if the browser never answers', async () => {
  const tab = await browser.newOrigin().openTab()
  await silence(tab, 'open')
  await silence(tab, 'deleteDatabase')
  const errors = await tab.evaluate(async () => {
    const runtime = await harness.startRuntime({ openTimeout: 100 })
    return [
      await harness.errorOf(runtime.open('ns')),
      await harness.errorOf(runtime.drop('ns')),
      await harness.errorOf(runtime.close()),
    ]
  })
  const timeout = { code: 'TIMEOUT', outcome: 'not-applied', retryable: true }
  expect(errors).toEqual([timeout, { ...timeout, outcome: 'unknown' }, { resolved: undefined }])
  expect(await tab.evaluate(() => harness.events)).toEqual([])
})

// No version of the format precedes the current one, so a real upgrade cannot be blocked yet.
test('opening is BLOCKED after openTimeout if the browser said that another tab blocks it', async () => {
  const tab = await browser.newOrigin().openTab()
  const error = await tab.evaluate(async () => {
    harness.replaceMethod(IDBFactory.prototype, 'open', () => () => {
      const request = new EventTarget()
      Object.setPrototypeOf(request, IDBOpenDBRequest.prototype)
      const event = new IDBVersionChangeEvent('blocked', { oldVersion: 1, newVersion: 2 })
      setTimeout(() => EventTarget.prototype.dispatchEvent.call(request, event))
      return request as IDBOpenDBRequest
    })
    return harness.errorOf(harness.openStore({ config: { openTimeout: 100 } }))
  })
  expect(error).toEqual({ code: 'BLOCKED', outcome: 'not-applied', retryable: true })
  expect(await tab.evaluate(() => harness.events)).toEqual(['blocked'])
})

test('listing namespaces is TIMEOUT after openTimeout if the browser never answers', async () => {
  const tab = await browser.newOrigin().openTab()
  const error = await tab.evaluate(async () => {
    harness.replaceMethod(IDBFactory.prototype, 'databases', () => () => new Promise(() => {}))
    const runtime = await harness.startRuntime({ openTimeout: 100 })
    return harness.errorOf(runtime.namespaces().next())
  })
  expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true })
})

test('dropping and listing namespaces are retried after an UnknownError', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async () => {
    await harness.openStore()
    await harness.runtime.close()
  })
  await failNext(tab, { method: 'deleteDatabase', message: SERVER_LOST })
  const listed = await tab.evaluate(async () => {
    const restore = harness.replaceMethod(IDBFactory.prototype, 'databases', () => async () => {
      restore()
      throw new DOMException('Internal error.', 'UnknownError')
    })
    const runtime = await harness.startRuntime()
    const found = await runtime.namespaces().next()
    await runtime.drop('ns')
    return [found.value, (await indexedDB.databases()).length]
  })
  expect(listed).toEqual(['ns', 0])
})

test('a page that was frozen while it opened still has half of openTimeout', async () => {
  const tab = await browser.newOrigin().openTab()
  const result = await tab.evaluate(async () => {
    harness.replaceMethod(
      IDBFactory.prototype,
      'open',
      (open) =>
        function (this: IDBFactory, ...parameters) {
          // The page is frozen: a timer that is due comes before the event of the request.
          const request = open.apply(this, parameters)
          const end = performance.now() + 700
          while (performance.now() < end);
          return request
        },
    )
    return harness.errorOf(harness.openStore({ config: { openTimeout: 600 } }))
  })
  expect(result).toEqual({ resolved: undefined })
})

test('an upgrade that never ends is aborted after openTimeout, and the next attempt creates the database', async () => {
  const tab = await browser.newOrigin().openTab()
  const result = await tab.evaluate(async () => {
    const restore = harness.replaceMethod(
      IDBDatabase.prototype,
      'createObjectStore',
      (create) =>
        function (this: IDBDatabase, ...parameters) {
          const store = create.apply(this, parameters)
          // An upgrade does not end while it has requests.
          const keepActive = (): void =>
            store.getKey('').addEventListener('success', () => keepActive())
          if (parameters[0] === 'entries') keepActive()
          return store
        },
    )
    const error = await harness.errorOf(harness.openStore({ config: { openTimeout: 200 } }))
    restore()
    await harness.openStore()
    await harness.store.set('a', 1)
    return error
  })
  expect(result).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' })
})

test('what an upgrade throws is the error of opening', async () => {
  const tab = await browser.newOrigin().openTab()
  const error = await tab.evaluate(async () => {
    harness.replaceMethod(IDBDatabase.prototype, 'createObjectStore', () => () => {
      throw new TypeError('crypto.getRandomValues is not a function')
    })
    return harness.errorOf(harness.openStore())
  })
  expect(error).toEqual({ code: 'UNAVAILABLE', outcome: 'not-applied', retryable: false })
})

test('blocked is emitted while a deletion waits, and the deletion succeeds in time', async () => {
  const [tab, holder] = await browser.newOrigin().openTwoTabs()
  await holder.evaluate(async () => {
    await harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1)
    await harness.testing.blockedIndexedDB({ database: harness.databaseName })
  })
  await tab.evaluate(async () => {
    const runtime = await harness.startRuntime()
    harness.saved['dropping'] = runtime.drop('ns')
  })
  await eventually(() => tab.evaluate(() => harness.events)).toEqual(['blocked'])
  await holder.close()
  await tab.evaluate(async () => void (await harness.saved['dropping']))
  expect(await tab.evaluate(() => harness.events)).toEqual(['blocked'])
})

test('a store opens its channels after the first reads, without a subscription', async () => {
  const tab = await browser.newOrigin().openTab()
  const atOpen = await tab.evaluate(async () => {
    const opened: string[] = []
    harness.saved['opened'] = opened
    globalThis.BroadcastChannel = class extends BroadcastChannel {
      constructor(name: string) {
        super(name)
        opened.push(name)
      }
    }
    await harness.openStore()
    return [...opened]
  })
  expect(atOpen).toEqual([])
  const names = (): Promise<readonly string[]> =>
    tab.evaluate(() => (harness.saved['opened'] as string[]).map((name) => name.replace(/:.*/, '')))
  await eventually(names).toEqual(['botshelf', 'botshelf-turns'])
})
