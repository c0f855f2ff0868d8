import type { Task } from './task.ts'

/** A task that is measured for each of its candidates. */
export interface Workload {
  readonly id: string
  readonly group: Group
  readonly title: string
  readonly task: Task
  /** The ids of the candidates, in the order of `CANDIDATES`. */
  readonly candidates: readonly string[]
  /** The candidate that uses the platform directly, to which the report compares the others. */
  readonly baseline?: string
  /** The greatest number of timed rounds, for a workload that takes long. */
  readonly rounds?: number
  /** The name of the database, shared by workloads that name the same one. Default: the id. */
  readonly database?: string
  /** The table that shows the workload as one column, to show how cost grows. */
  readonly growth?: { readonly table: string; readonly at: string }
}

/** The workloads of a group share an engine. The command line can select a group. */
export const GROUPS = [
  'indexeddb',
  'indexeddb-tabs',
  'indexeddb-listing',
  'indexeddb-clear',
  'indexeddb-cold',
  'indexeddb-reload',
  'indexeddb-growth',
  'object',
  'kv',
  'open',
  'memory',
  'copy',
  'codec',
  'codec-workerd',
  'size',
] as const
export type Group = (typeof GROUPS)[number]

/** This library, another library, or code that uses the platform directly. */
export type CandidateKind = 'ours' | 'peer' | 'baseline'

/** How the report shows a candidate. */
export interface Candidate {
  readonly label: string
  readonly kind: CandidateKind
}
