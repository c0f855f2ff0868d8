export { faulty } from './faulty.ts'
export type { CallKind, Fault, FaultPlan, FaultyCall, FaultyPlugin } from './faulty.ts'
export type { FaultKind, InjectedFault } from './faults.ts'
