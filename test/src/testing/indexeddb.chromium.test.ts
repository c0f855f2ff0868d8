import { testIndexedDBFaults } from './indexeddb-faults.ts'

testIndexedDBFaults()
