import type { Task } from './task.ts'

/** Something that is measured, for each of its candidates. */
export interface Workload {
  readonly id: string
  /** What is started for it, and what a command line may ask for as a whole. */
  readonly group: Group
  readonly title: string
  readonly task: Task
  /** The ids of those who take part, in the order of `CANDIDATES`. */
  readonly candidates: readonly string[]
  /** The candidate that is the platform by hand. */
  readonly baseline?: string
  /** How many rounds are timed at most, where one is long. */
  readonly rounds?: number
  /** The workload whose database it uses too; one of its own, if it is not said. */
  readonly database?: string
  /** Shown in one table with all others of this name: how cost grows. */
  readonly growth?: { readonly table: string; readonly at: string }
}

export const GROUPS = [
  'indexeddb',
  'indexeddb-listing',
  'indexeddb-cold',
  'indexeddb-growth',
  'object',
  'kv',
  'open',
  'memory',
] as const
export type Group = (typeof GROUPS)[number]

/** Whether a candidate is this library, one of its peers, or a point of reference. */
export type Kind = 'ours' | 'peer' | 'baseline'

export interface Candidate {
  readonly label: string
  readonly kind: Kind
}
