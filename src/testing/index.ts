export { CallHistory } from './call-history.ts'
export type { CallHistoryOptions } from './call-history.ts'
export type { CallAttempt, CallRecord, KeyRead, KeyWrite, RecordedMethod } from './call-record.ts'
export { checkHistory } from './check-history.ts'
export type { CheckHistoryOptions, Contents, HistoryViolation } from './check-history.ts'
export { ledger } from './ledger.ts'
export type { Ledger, LedgerRange } from './ledger.ts'
export { recordOutcomes } from './outcomes.ts'
export type { RecordedStore, RecordOptions } from './outcomes.ts'
export { type TestClock, testClock, type TestClockOptions } from './clock.ts'
export {
  blockedIndexedDB,
  type BlockedIndexedDBOptions,
  closedIndexedDB,
  type ClosedIndexedDBOptions,
  deafIndexedDB,
  type DeafIndexedDBOptions,
  fullIndexedDB,
  type IndexedDBFault,
  type IndexedDBFaultOptions,
} from './indexeddb.ts'
