import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'
import type { SilentTransactionOptions } from './support/silence-transaction.ts'

const browser = useChromium()

const CALLS: [string, SilentTransactionOptions, () => Promise<unknown>, string][] = [
  ['get', { mode: 'readonly' }, () => harness.store.get('a'), 'not-applied'],
  ['size', { mode: 'readonly' }, () => harness.store.size(), 'not-applied'],
  ['keys', { mode: 'readonly' }, () => harness.sortedKeys(), 'not-applied'],
  ['entries', { mode: 'readonly' }, () => harness.store.entries().next(), 'not-applied'],
  ['update', { isHeld: true }, () => harness.store.update('a', () => 2), 'not-applied'],
  ['set', {}, () => harness.store.set('b', 1), 'unknown'],
  ['clear', {}, () => harness.store.clear(), 'unknown'],
]

test.each(CALLS)(
  '%s is TIMEOUT if its transaction is silent; later calls and close() work',
  async (_, options, call, outcome) => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(async (silent) => {
      await harness.openStore({ config: { operationTimeout: 300 } })
      await harness.store.set('a', 1)
      void harness.silenceNextTransaction(silent)
    }, options)
    await tab.evaluate(`harness.saved.call = harness.errorOf((${String(call)})()); undefined`)
    const results = await tab.evaluate(async () => {
      const set = harness.errorOf(harness.store.set('c', 3))
      const error = await harness.saved['call']
      await set
      const value = await harness.store.get('c')
      await harness.runtime.close()
      return { error, value }
    })
    expect(results).toEqual({ error: { code: 'TIMEOUT', outcome, retryable: true }, value: 3 })
  },
)

test('a write that is retried alone is not applied after its caller got TIMEOUT', async () => {
  const tab = await browser.newOrigin().openTab()
  const found = await tab.evaluate(async () => {
    await harness.openStore({ config: { operationTimeout: 300 } })
    // The commit of all fails, so each is retried alone. The first retry is silent.
    let puts = 0
    harness.replaceMethod(
      IDBObjectStore.prototype,
      'put',
      (put) =>
        function (this: IDBObjectStore, ...parameters) {
          if (++puts === 3) {
            void harness.silenceNextTransaction()
            throw new DOMException('full', 'QuotaExceededError')
          }
          return put.apply(this, parameters)
        },
    )
    const writes = ['a', 'b', 'c'].map((key) => harness.errorOf(harness.store.set(key, 'old')))
    const errors = await Promise.all(writes)
    await harness.store.set('c', 'new')
    await new Promise((resolve) => setTimeout(resolve, 300))
    return { errors, value: await harness.store.get('c') }
  })
  const error = { code: 'TIMEOUT', outcome: 'unknown', retryable: true }
  expect(found).toEqual({ errors: [error, error, error], value: 'new' })
})

test('while another connection holds its transaction open, every call is TIMEOUT, and close() settles', async () => {
  const [tab, holder] = await browser.newOrigin().openTwoTabs()
  await tab.evaluate(async () => {
    await harness.openStore({ config: { operationTimeout: 300 } })
    await harness.store.set('a', 1)
  })
  await holder.evaluate(async () => {
    const request = indexedDB.open(harness.databaseName)
    await new Promise((resolve) => request.addEventListener('success', resolve))
    const store = request.result.transaction('entries', 'readwrite').objectStore('entries')
    harness.keepActive(store, () => harness.saved['isOver'] === true)
  })
  const errors = await tab.evaluate(async () => {
    const first = [harness.errorOf(harness.store.get('a')), harness.errorOf(harness.store.size())]
    const results = [...(await Promise.all(first)), await harness.errorOf(harness.sortedKeys())]
    const updated = await harness.errorOf(harness.store.update('a', () => 2))
    await harness.runtime.close()
    return [...results, updated]
  })
  for (const error of errors) {
    expect(error).toMatchObject({ outcome: 'not-applied', retryable: true })
    expect(['TIMEOUT', 'CONNECTION_LOST']).toContain((error as { code: string }).code)
  }
  await holder.evaluate(() => void (harness.saved['isOver'] = true))
  const value = await tab.evaluate(async () => {
    await harness.openStore()
    return harness.store.get('a')
  })
  expect(value).toBe(1)
})
