/** `botshelf/testing`: faults, histories and a clock, for the tests of bots and of adapters. */
export { CallHistory } from './call-history.ts'
export type { CallHistoryOptions } from './call-history.ts'
export type { CallAttempt, CallRecord, KeyRead, KeyWrite, RecordedMethod } from './call-record.ts'
export { checkHistory } from './check-history.ts'
export type { CheckHistoryOptions, Contents, HistoryViolation } from './check-history.ts'
export { testClock } from './clock.ts'
export type { TestClock, TestClockOptions } from './clock.ts'
export { eachFault } from './each-fault.ts'
export type { EachFaultOptions, EachFaultResult, FaultReport } from './each-fault.ts'
export type { CallKind, Fault, FaultPlan, FaultyCall } from './fault-plan.ts'
export type { ContentsCheck, FaultContext, FaultScript, FinalContents } from './fault-run.ts'
export type { FaultKind, InjectedFault } from './faults.ts'
export { faulty } from './faulty.ts'
export type { FaultyPlugin } from './faulty.ts'
export { blockedIndexedDB, closedIndexedDB, deafIndexedDB, fullIndexedDB } from './indexeddb.ts'
export type {
  BlockedIndexedDBOptions,
  ClosedIndexedDBOptions,
  DeafIndexedDBOptions,
  IndexedDBFault,
  IndexedDBFaultOptions,
} from './indexeddb.ts'
export { ledger } from './ledger.ts'
export type { Ledger, LedgerRange } from './ledger.ts'
export { recordOutcomes } from './outcomes.ts'
export type { RecordedStore, RecordOptions } from './outcomes.ts'
export { staleKV } from './stale-kv.ts'
export type { StaleKVLocation, StaleKVOptions } from './stale-kv.ts'
