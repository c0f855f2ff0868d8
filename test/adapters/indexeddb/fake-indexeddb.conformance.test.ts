// oxlint-disable-next-line import/no-unassigned-import -- it puts its globals in place
import 'fake-indexeddb/auto'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import { conformance } from '../../../src/conformance.ts'
import { runConformance } from '../../support/run-conformance.ts'

// Quick, and no proof: the browser's own IndexedDB is tested in test/chromium.

const config = { STORAGE_CONFIG: { database: 'fake' } }
runConformance(
  'IndexedDB',
  'fake-indexeddb in Node',
  conformance({ plugin: () => new IndexedDBStoragePlugin(config) }),
)
