import type { LoadCounts } from './load.ts'

/** Where the Worker runs the load. */
export type WorkerBackend =
  | 'DurableObject, from a Worker'
  | 'DurableObject, inside'
  | 'CloudflareKV'

/** What the Worker replies to a batch. */
export interface WorkerReply extends LoadCounts {
  /** How many promises were rejected without a handler, since the Worker started. */
  readonly unhandledRejections: number
}
