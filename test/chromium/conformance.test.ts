import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.js'
import { MemoryStoragePlugin } from '../../adapters/memory.js'
import { conformance } from '../../src/conformance.js'
import { runConformance } from '../support/run-conformance.js'

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
