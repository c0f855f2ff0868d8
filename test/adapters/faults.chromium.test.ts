import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { eachFaultOf, testEachFault } from '../support/test-each-fault.ts'

const config = { STORAGE_CONFIG: { database: 'faults' } }
testEachFault('IndexedDB, Chromium', () => eachFaultOf(() => new IndexedDBStoragePlugin(config)))
