import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { conformance } from '../../src/conformance.ts'
import { runConformance } from '../support/run-conformance.ts'

const memory = new MemoryStoragePlugin()
runConformance('Memory', 'Chromium', conformance({ plugin: () => memory }))

for (const durability of ['strict', 'relaxed']) {
  const config = { STORAGE_CONFIG: { database: `conformance-${durability}`, durability } }
  runConformance(
    `IndexedDB, ${durability}`,
    'Chromium',
    conformance({ plugin: () => new IndexedDBStoragePlugin(config) }),
  )
}
