import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const RELAXED = { config: { durability: 'relaxed' } }

test('every write transaction is strict by default, and is committed at once', async () => {
  const tab = await browser.newOrigin().openTab()
  const recorded = await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    await harness.store.set('a', 1)
    await harness.store.setMany({ b: 1, c: 1 })
    await harness.store.update('a', async () => {
      await new Promise((resolve) => setTimeout(resolve))
      return 2
    })
    await harness.store.mutable('b', () => {})
    await harness.store.pop('b')
    await harness.store.delete('c')
    await harness.store.clear()
    await harness.runtime.close()
    return { writes: harness.recording.writeDurabilities, commits: harness.recording.commitCount() }
  })
  expect(recorded.writes.length).toBeGreaterThanOrEqual(7)
  expect([...new Set(recorded.writes)]).toEqual(['strict'])
  // Without a call of commit(), the browser commits only after it has seen that no request follows.
  expect(recorded.commits).toBe(recorded.writes.length)
})

for (const operation of ['set', 'delete', 'update', 'setMany', 'pop', 'clear'] as const) {
  test(`relaxed: close() after ${operation} syncs with one strict write`, async () => {
    const tab = await browser.newOrigin().openTab()
    const writes = await tab.evaluate(
      async ([name, options]) => {
        await harness.openStore()
        await harness.store.set('a', 1)
        await harness.runtime.close()
        harness.startRecording()
        await harness.openStore(options)
        const { store } = harness
        const operations = {
          set: () => store.set('a', 2),
          delete: () => store.delete('a'),
          update: () => store.update('a', () => 2),
          setMany: () => store.setMany({ a: 2, b: 2 }),
          pop: () => store.pop('a'),
          clear: () => store.clear(),
        }
        await operations[name]()
        await harness.runtime.close()
        return harness.recording.writeDurabilities
      },
      [operation, RELAXED] as const,
    )
    expect(writes).toEqual(['relaxed', 'strict'])
  })
}

test('relaxed: close() writes nothing if nothing was written before', async () => {
  const tab = await browser.newOrigin().openTab()
  const writes = await tab.evaluate(async (options) => {
    harness.startRecording()
    await harness.openStore(options)
    await harness.store.get('a')
    await harness.store.size()
    await harness.sortedKeys()
    await harness.runtime.close()
    return harness.recording.writeDurabilities
  }, RELAXED)
  expect(writes).toEqual([])
})

test('relaxed: the strict write of close() comes after all others and changes no entry', async () => {
  const [tab, other] = await browser.newOrigin().openTwoTabs()
  const writes = await tab.evaluate(async (options) => {
    harness.startRecording()
    await harness.openStore(options)
    for (let index = 0; index < 10; index++) void harness.store.set(`k${index}`, index)
    await harness.runtime.close()
    return harness.recording.writeDurabilities
  }, RELAXED)
  // How many transactions the writes share depends on timing.
  expect(writes.length).toBeGreaterThan(1)
  expect(writes).toEqual([...writes.slice(1).map(() => 'relaxed'), 'strict'])
  const keys = await other.evaluate(() => harness.storedKeys())
  expect(keys).toEqual(Array.from({ length: 10 }, (_, index) => `k${index}`))
})

test('a write rejects if its transaction is aborted after every request succeeded', async () => {
  const tab = await browser.newOrigin().openTab()
  const errors = await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('old', 1)
    harness.watch()
    // Not committed by a call: a transaction that is being committed cannot be aborted.
    const restoreCommit = harness.replaceMethod(IDBTransaction.prototype, 'commit', () => () => {})
    const restorePut = harness.replaceMethod(
      IDBObjectStore.prototype,
      'put',
      (put) =>
        function (this: IDBObjectStore, ...parameters) {
          const request = put.apply(this, parameters)
          request.addEventListener('success', () => this.transaction.abort())
          return request
        },
    )
    const results = [
      await harness.errorOf(harness.store.set('new', 2)),
      await harness.errorOf(harness.store.set('old', 2)),
      await harness.errorOf(harness.store.update('old', () => 2)),
      await harness.errorOf(harness.store.getOrInsert('new', 2)),
      await harness.errorOf(harness.store.setMany({ old: 2 })),
    ]
    restorePut()
    restoreCommit()
    return results
  })
  for (const error of errors) expect(error).toHaveProperty('code', 'CONNECTION_LOST')
  const found = await tab.evaluate(async () => [
    await harness.store.get('old'),
    await harness.sortedKeys(),
  ])
  expect(found).toEqual([1, ['old']])
  // The outcome was unknown, so the watch listed the keys again and found only the old one.
  const changes = await tab.evaluate(() => harness.changes)
  expect(changes.filter((change) => change !== 'clear' && change !== 'set old')).toEqual([])
})
