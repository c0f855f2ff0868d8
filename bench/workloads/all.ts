import type { Workload } from '../workload.ts'
import { INDEXEDDB } from './indexeddb.ts'
import { MEMORY } from './memory.ts'
import { WORKERD } from './workerd.ts'

/** Everything that is measured, in the order in which it is shown. */
export const WORKLOADS: readonly Workload[] = [...INDEXEDDB, ...WORKERD, ...MEMORY]
