// oxlint-disable-next-line import/no-unassigned-import -- the import sets the globals of IndexedDB, and exports nothing
import 'fake-indexeddb/auto'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import { conformance } from '../../../src/conformance.ts'
import { runConformance } from '../../support/run-conformance.ts'

// Fast, but no proof: conformance.chromium.test.ts runs the same cases in a browser.

const config = { STORAGE_CONFIG: { database: 'fake' } }
runConformance(
  'IndexedDB',
  'fake-indexeddb in Node',
  conformance({ plugin: () => new IndexedDBStoragePlugin(config) }),
)
