import { expect, test } from 'vitest'
import { countTransactions } from '../../bench/indexeddb/count-transactions.ts'
import { indexeddb } from '../../adapters/indexeddb.ts'
import { StorageRuntime } from '../../src/index.ts'
import page from '../../docs/performance.md?raw'
import { cellOf, countOf, ENTRIES, OPERATIONS, readColumn } from './support/costs.ts'

test('docs/performance.md names the transactions that each operation makes in IndexedDB', async () => {
  const takeCount = countTransactions()
  const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'costs' } }
  await using runtime = await StorageRuntime.start(config, [indexeddb])
  const store = await runtime.open<Record<string, number>>('costs')
  await Promise.all(ENTRIES.map(([key, value]) => store.set(key, value)))
  const measured: Record<string, string> = {}
  for (const [name, run] of Object.entries(OPERATIONS)) {
    takeCount()
    await run(store)
    measured[name] = cellOf([countOf(takeCount(), 'transaction')])
  }
  expect(readColumn(page, 'IndexedDB')).toEqual(measured)
})
