// The sub-path `botshelf/testing`: what tests of bots and of adapters need.

export { type TestClock, testClock, type TestClockOptions } from './clock.ts'
export {
  blockedIndexedDB,
  type BlockedIndexedDBOptions,
  closedIndexedDB,
  deafIndexedDB,
  type DeafIndexedDBOptions,
  fullIndexedDB,
  type IndexedDBFault,
  type IndexedDBFaultOptions,
} from './indexeddb.ts'
