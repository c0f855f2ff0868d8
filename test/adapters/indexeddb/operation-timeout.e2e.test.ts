import { expect, test } from 'vitest'
import type { DeafIndexedDBOptions } from '../../../src/testing/index.ts'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const CALLS: [string, DeafIndexedDBOptions, () => Promise<unknown>, string][] = [
  ['get', { mode: 'readonly' }, () => harness.store.get('a'), 'not-applied'],
  ['size', { mode: 'readonly' }, () => harness.store.size(), 'not-applied'],
  ['keys', { mode: 'readonly' }, () => harness.sortedKeys(), 'not-applied'],
  ['entries', { mode: 'readonly' }, () => harness.store.entries().next(), 'not-applied'],
  [
    'update',
    { mode: 'readwrite', hold: true },
    () => harness.store.update('a', () => 2),
    'not-applied',
  ],
  ['set', { mode: 'readwrite' }, () => harness.store.set('b', 1), 'unknown'],
  ['clear', { mode: 'readwrite' }, () => harness.store.clear(), 'unknown'],
]

test.each(CALLS)(
  '%s is TIMEOUT if its transaction is deaf; later calls and close() work',
  async (_, fault, call, outcome) => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(async (options) => {
      await harness.openStore({ config: { operationTimeout: 300 } })
      await harness.store.set('a', 1)
      harness.testing.deafIndexedDB(options)
    }, fault)
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
    // The commit of all fails, so each is retried alone. The first retry is deaf.
    harness.testing.fullIndexedDB()
    harness.testing.deafIndexedDB({ mode: 'readwrite', nth: 2 })
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
    await harness.openStore()
    harness.fault = harness.testing.deafIndexedDB({ mode: 'readwrite', hold: true })
    void harness.errorOf(harness.store.update('b', () => 1))
    await harness.fault.happened
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
  await holder.evaluate(() => harness.fault.restore())
  const value = await tab.evaluate(async () => {
    await harness.openStore()
    return harness.store.get('a')
  })
  expect(value).toBe(1)
})
