import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const RELAXED = { config: { durability: 'relaxed' } }

test('strict, by default: every transaction that writes is', async () => {
  const tab = await browser.site().tab()
  const recorded = await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    await shelf.store.set('a', 1)
    await shelf.store.setMany({ b: 1, c: 1 })
    await shelf.store.update('a', async () => {
      await new Promise((resolve) => setTimeout(resolve))
      return 2
    })
    await shelf.store.mutable('b', () => {})
    await shelf.store.pop('b')
    await shelf.store.delete('c')
    await shelf.store.clear()
    await shelf.runtime.close()
    return { writes: shelf.recording.writes, commits: shelf.recording.commits() }
  })
  expect(recorded.writes.length).toBeGreaterThanOrEqual(7)
  expect([...new Set(recorded.writes)]).toEqual(['strict'])
  // None waits until the browser notices that nothing more will come.
  expect(recorded.commits).toBe(recorded.writes.length)
})

for (const operation of ['set', 'delete', 'update', 'setMany', 'pop', 'clear'] as const) {
  test(`relaxed: after ${operation}, close puts all on disk with a strict write`, async () => {
    const tab = await browser.site().tab()
    const writes = await tab.evaluate(
      async ([name, options]) => {
        await shelf.open()
        await shelf.store.set('a', 1)
        await shelf.runtime.close()
        shelf.record()
        await shelf.open(options)
        const { store } = shelf
        const operations = {
          set: () => store.set('a', 2),
          delete: () => store.delete('a'),
          update: () => store.update('a', () => 2),
          setMany: () => store.setMany({ a: 2, b: 2 }),
          pop: () => store.pop('a'),
          clear: () => store.clear(),
        }
        await operations[name]()
        await shelf.runtime.close()
        return shelf.recording.writes
      },
      [operation, RELAXED] as const,
    )
    expect(writes).toEqual(['relaxed', 'strict'])
  })
}

test('relaxed: who wrote nothing has nothing to put on disk', async () => {
  const tab = await browser.site().tab()
  const writes = await tab.evaluate(async (options) => {
    shelf.record()
    await shelf.open(options)
    await shelf.store.get('a')
    await shelf.store.size()
    await shelf.keys()
    await shelf.runtime.close()
    return shelf.recording.writes
  }, RELAXED)
  expect(writes).toEqual([])
})

test('relaxed: the write on disk comes after all others, and changes no entry', async () => {
  const [tab, other] = await browser.site().twoTabs()
  const writes = await tab.evaluate(async (options) => {
    shelf.record()
    await shelf.open(options)
    for (let at = 0; at < 10; at++) void shelf.store.set(`k${at}`, at)
    await shelf.runtime.close()
    return shelf.recording.writes
  }, RELAXED)
  // In as many transactions as it takes.
  expect(writes.length).toBeGreaterThan(1)
  expect(writes).toEqual([...writes.slice(1).map(() => 'relaxed'), 'strict'])
  const keys = await other.evaluate(() => shelf.raw.keys(shelf.DATABASE))
  expect(keys).toEqual(Array.from({ length: 10 }, (_, at) => `k${at}`))
})

test('a write whose transaction is aborted after every request of it succeeded is rejected, and is not there', async () => {
  const tab = await browser.site().tab()
  const failures = await tab.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('old', 1)
    shelf.watch()
    // One that is being committed cannot be aborted; it is committed anyway if nobody aborts it.
    const commitAgain = shelf.replace(IDBTransaction.prototype, 'commit', () => () => {})
    const putAgain = shelf.replace(
      IDBObjectStore.prototype,
      'put',
      (put) =>
        function (this: IDBObjectStore, ...given) {
          const request = put.apply(this, given)
          request.addEventListener('success', () => this.transaction.abort())
          return request
        },
    )
    const failed = [
      await shelf.failure(shelf.store.set('new', 2)),
      await shelf.failure(shelf.store.set('old', 2)),
      await shelf.failure(shelf.store.update('old', () => 2)),
      await shelf.failure(shelf.store.getOrInsert('new', 2)),
      await shelf.failure(shelf.store.setMany({ old: 2 })),
    ]
    putAgain()
    commitAgain()
    return failed
  })
  for (const failure of failures) expect(failure).toHaveProperty('code', 'CONNECTION_LOST')
  const found = await tab.evaluate(async () => [await shelf.store.get('old'), await shelf.keys()])
  expect(found).toEqual([1, ['old']])
  // Whether it was written nobody could tell, so the keys were read anew: as they are.
  const told = await tab.evaluate(() => shelf.told)
  expect(told.filter((change) => change !== 'clear' && change !== 'set old')).toEqual([])
})
