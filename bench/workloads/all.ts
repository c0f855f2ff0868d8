import type { Workload } from '../workload.ts'
import { FUNCTIONS, SIZE } from './functions.ts'
import { INDEXEDDB } from './indexeddb.ts'
import { MEMORY } from './memory.ts'
import { WORKERD } from './workerd.ts'

/** All workloads, in the order of the report. */
export const WORKLOADS: readonly Workload[] = [
  ...INDEXEDDB,
  ...WORKERD,
  ...MEMORY,
  ...FUNCTIONS,
  SIZE,
]
