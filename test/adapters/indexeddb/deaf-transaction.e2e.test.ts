import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import type { DeafIndexedDBOptions } from '../../../src/testing/index.ts'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

const LOST = { code: 'CONNECTION_LOST', outcome: 'not-applied', retryable: true }

async function openTab(): Promise<Page> {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStorage()
    await harness.store.set('a', 1)
  })
  return tab
}

/** Expects that reads, writes and listings work, on one connection, and that `close()` settles. */
async function expectWorks(tab: Page): Promise<void> {
  const found = await tab.evaluate(async () => {
    await harness.store.set('later', 1)
    const value = await harness.store.update('later', (current) => (current as number) + 1)
    const result = { value, size: await harness.store.size(), keys: await harness.sortedKeys() }
    const open = harness.recording.openCount()
    await harness.runtime.close()
    return { ...result, open, openAfter: harness.recording.openCount() }
  })
  expect(found).toMatchObject({ value: 2, open: 1, openAfter: 0 })
  expect(found.keys).toContain('later')
}

/** Makes the time limit of background transactions 300 ms. */
function shortenLimit(): void {
  harness.replaceMethod(
    globalThis,
    'setTimeout',
    (setTimeout) =>
      ((callback: () => void, ms?: number) =>
        setTimeout(callback, ms === 60_000 ? 150 : ms)) as typeof setTimeout,
  )
}

// Each call of the storage, the transaction that it uses, and the error of a connection that is
// dropped while that transaction is deaf.
const CALLS: [string, DeafIndexedDBOptions, () => Promise<unknown>, object][] = [
  ['getMany', { mode: 'readonly' }, () => harness.storage.getMany(['a']), LOST],
  ['liveLen', { mode: 'readonly' }, () => harness.storage.liveLen(0), LOST],
  ['keys', { mode: 'readonly' }, () => harness.storage.keys()[Symbol.asyncIterator]().next(), LOST],
  [
    'entries',
    { mode: 'readonly' },
    () => harness.storage.entries()[Symbol.asyncIterator]().next(),
    LOST,
  ],
  [
    'a commit that was not requested yet',
    { mode: 'readwrite', hold: true },
    async () => {
      const change = { ...harness.setChange('b', 1), ifVersion: null }
      const [result] = await harness.storage.commit([[change]])
      throw result
    },
    LOST,
  ],
  [
    'transact',
    { mode: 'readwrite', hold: true },
    async () => harness.storage.transact?.(['a'], () => []),
    LOST,
  ],
  [
    'a commit that was requested',
    { mode: 'readwrite' },
    () => harness.storage.commit([[harness.setChange('b', 1)]]),
    { ...LOST, outcome: 'unknown' },
  ],
  ['clear', { mode: 'readwrite' }, () => harness.storage.clear(), { ...LOST, outcome: 'unknown' }],
  ['clearPrefix', { mode: 'readwrite', hold: true }, () => harness.storage.clearPrefix('a'), LOST],
]

test.each(CALLS)(
  'onTimeout() rejects %s on a deaf transaction; then everything works',
  async (_, fault, call, error) => {
    const tab = await openTab()
    await tab.evaluate(
      (options) => void (harness.fault = harness.testing.deafIndexedDB(options)),
      fault,
    )
    await tab.evaluate(`harness.saved.call = harness.errorOf((${String(call)})()); undefined`)
    const found = await tab.evaluate(async () => {
      await harness.fault.happened
      await new Promise((resolve) => setTimeout(resolve, 50))
      harness.storage.onTimeout?.()
      return harness.saved['call']
    })
    expect(found).toEqual(error)
    await expectWorks(tab)
    expect(await tab.evaluate(() => harness.events)).toEqual(['reopened'])
  },
)

test('onTimeout() with nothing running keeps the connection', async () => {
  const tab = await openTab()
  await tab.evaluate(() => harness.storage.onTimeout?.())
  await expectWorks(tab)
  expect(await tab.evaluate(() => harness.recording.connections.length)).toBe(1)
})

test('a write that onTimeout() ended is never applied later', async () => {
  const tab = await openTab()
  const value = await tab.evaluate(async () => {
    const { happened } = harness.testing.deafIndexedDB({ mode: 'readwrite', hold: true })
    const updating = harness.errorOf(harness.store.update('a', () => 'late'))
    await happened
    harness.storage.onTimeout?.()
    await harness.store.set('a', 'new')
    await updating
    await new Promise((resolve) => setTimeout(resolve, 100))
    return harness.store.get('a')
  })
  expect(value).toBe('new')
})

test('clearPrefix() deletes nothing if onTimeout() ended it before its commit', async () => {
  const tab = await openTab()
  const found = await tab.evaluate(async () => {
    const { happened } = harness.testing.deafIndexedDB({ mode: 'readwrite' })
    const clearing = harness.errorOf(harness.storage.clearPrefix('a'))
    await happened
    // The browser commits a deaf transaction when it has no request left.
    await new Promise((resolve) => setTimeout(resolve, 100))
    harness.storage.onTimeout?.()
    return { error: await clearing, keys: await harness.sortedKeys() }
  })
  expect(found).toEqual({ error: LOST, keys: ['a'] })
})

test('updates that run while onTimeout() drops the connection are applied once or reject', async () => {
  const tab = await openTab()
  const counts = await tab.evaluate(async () => {
    let resolved = 0
    let unknown = 0
    const state = { isOver: false }
    const updaters = Array.from({ length: 4 }, async (_, index) => {
      while (!state.isOver) {
        try {
          await harness.store.update(`n${index % 2}`, (n = 0) => (n as number) + 1)
          resolved++
        } catch (error) {
          const { code, outcome } = error as { code: string; outcome: string }
          if (code !== 'CONNECTION_LOST') throw error
          if (outcome === 'unknown') unknown++
        }
      }
    })
    for (let round = 0; round < 30; round++) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40))
      harness.storage.onTimeout?.()
    }
    state.isOver = true
    await Promise.all(updaters)
    const found = await harness.store.getMany(['n0', 'n1'])
    const total = [...found.values()].reduce((sum: number, n) => sum + (n as number), 0)
    return { resolved, unknown, total, connections: harness.recording.connections.length }
  })
  expect(counts.connections).toBeGreaterThan(10)
  expect(counts.total).toBeGreaterThanOrEqual(counts.resolved)
  expect(counts.total).toBeLessThanOrEqual(counts.resolved + counts.unknown)
  await expectWorks(tab)
})

describe('a deaf transaction that no call waits for', () => {
  test('does not hold up close(), if it reads the identity', async () => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(shortenLimit)
    await tab.evaluate(async () => {
      const { happened } = harness.testing.deafIndexedDB({ store: 'meta', mode: 'readonly' })
      await harness.openStorage()
      await happened
      await harness.runtime.close()
    })
  })

  test('does not hold up close() or writes, if it deletes expired entries', async () => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(shortenLimit)
    await tab.evaluate(async () => {
      harness.startRecording()
      await harness.openStorage()
      const entry = { value: 1, version: 'v', expires: 1 }
      await harness.storage.set('expired', entry)
      await new Promise((resolve) => setTimeout(resolve, 200))
      // The first write has started a sweep. This one does not, within the minute; the count does.
      await harness.storage.set('expired', entry)
      const { happened } = harness.testing.deafIndexedDB({ mode: 'readwrite', hold: true })
      await harness.store.size()
      await happened
    })
    await expectWorks(tab)
  })

  test('does not stop a watch, if it looks up what another tab has changed', async () => {
    const [tab, other] = await browser.newOrigin().openTwoTabs()
    await tab.evaluate(shortenLimit)
    await tab.evaluate(async () => {
      await harness.openStorage()
      harness.watch()
    })
    await other.evaluate(async () => {
      await harness.openStore()
      await harness.store.set('a', 1)
    })
    await eventually(() => tab.evaluate(() => harness.changes)).toEqual(['set a'])
    await tab.evaluate(() => void harness.testing.deafIndexedDB({ mode: 'readonly' }))
    for (const key of ['b', 'c']) {
      await other.evaluate((each) => harness.store.set(each, 1), key)
      await eventually(() => tab.evaluate(() => harness.changes)).toContain(`set ${key}`)
    }
    await tab.evaluate(() => harness.runtime.close())
  })

  test('does not hold back data-lost, if it waits for writes before a deletion', async () => {
    const [tab, other] = await browser.newOrigin().openTwoTabs()
    await tab.evaluate(shortenLimit)
    await tab.evaluate(async () => {
      await harness.openStorage()
      await harness.store.set('a', 1)
      harness.testing.deafIndexedDB({ mode: 'readwrite', hold: true })
    })
    await other.evaluate(() => harness.deleteDatabase())
    await eventually(() => tab.evaluate(() => harness.events)).toEqual(['data-lost'])
    expect(await tab.evaluate(() => harness.store.get('a'))).toBe(undefined)
    await tab.evaluate(() => harness.runtime.close())
  })
})

test('close() settles after onTimeout(), if its last write is deaf', async () => {
  const tab = await browser.newOrigin().openTab()
  const error = await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStorage({ durability: 'relaxed' })
    await harness.store.set('a', 1)
    const { happened } = harness.testing.deafIndexedDB({ store: 'meta', hold: true })
    const closing = harness.errorOf(harness.runtime.close())
    await happened
    harness.storage.onTimeout?.()
    return closing
  })
  expect(error).toMatchObject({ code: 'CONNECTION_LOST' })
  expect(await tab.evaluate(() => harness.recording.openCount())).toBe(0)
})

test('close() that timed out closes the connection later, if its last write is deaf too', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(shortenLimit)
  const error = await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStorage({ durability: 'relaxed', operationTimeout: 200 })
    const entry = { value: 1, version: 'v', expires: 1 }
    await harness.storage.set('expired', entry)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await harness.storage.set('expired', entry)
    const { happened } = harness.testing.deafIndexedDB({ mode: 'readwrite', hold: true })
    await harness.store.size()
    await happened
    harness.testing.deafIndexedDB({ store: 'meta', hold: true })
    return harness.errorOf(harness.runtime.close())
  })
  expect(error).toMatchObject({ code: 'TIMEOUT' })
  await eventually(() => tab.evaluate(() => harness.recording.openCount())).toBe(0)
})

test('if another connection holds its transaction open, onTimeout() ends what waits for it, and close() settles', async () => {
  const [tab, holder] = await browser.newOrigin().openTwoTabs()
  await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStorage()
    await harness.store.set('a', 1)
  })
  await holder.evaluate(async () => {
    await harness.openStore()
    harness.fault = harness.testing.deafIndexedDB({ mode: 'readwrite', hold: true })
    void harness.errorOf(harness.store.update('b', () => 1))
    await harness.fault.happened
  })
  const errors = await tab.evaluate(async () => {
    const calls = [
      harness.errorOf(harness.storage.getMany(['a'])),
      harness.errorOf(harness.storage.clearPrefix('a')),
      harness.errorOf(harness.store.update('a', () => 2)),
    ]
    await new Promise((resolve) => setTimeout(resolve, 100))
    harness.storage.onTimeout?.()
    const settled = await Promise.all(calls)
    await harness.runtime.close()
    return settled
  })
  expect(errors).toEqual([LOST, LOST, LOST])
  await holder.evaluate(() => harness.fault.restore())
  const value = await tab.evaluate(async () => {
    await harness.openStorage()
    return harness.store.get('a')
  })
  expect(value).toBe(1)
})
