// What a generated case says about its backend.

/** How long a call takes, and whether it takes effect at its start or at its end. */
export interface Latency {
  /** A number of microtasks, or a task of the event loop. */
  readonly wait: number | 'task'
  readonly takesEffectAtEnd: boolean
}

/**
 * A call that never answers, having done nothing or everything, or one that is done and answered after
 * its time limit.
 */
export type SilentFault = 'silent' | 'silent-done' | 'late'

/** The time limit of calls, where some are silent, and when a late one is done, in milliseconds. */
export const TIME_LIMIT_MS = 50
export const LATE_MS = 70

/** A failure of the n-th call that reads, writes or lists. */
export interface Fault {
  readonly on: 'read' | 'write' | 'list' | 'turn' | 'close'
  readonly nth: number
  readonly kind:
    | 'lost' // nothing was done; the outcome is unknown
    | 'lost-answer' // everything was done; the outcome is unknown
    | 'quota' // every group is refused
    | 'corrupt' // a retry does not help
    | 'nonsense' // an error that is not a StoreError
    | SilentFault
}

/** A write by another client, just before the n-th write call. */
export interface ForeignWrite {
  readonly nth: number
  readonly does: 'append' | 'replace' | 'remove' | 'together'
  /** The index of its key among the keys of the write call and all keys of lists. */
  readonly which: number
}

/** The backend of a generated case. */
export interface ModelOptions {
  readonly batchAcrossTicks: boolean
  /** `perform`: runs steps itself; `sync`: also answers synchronously; `none`: is not atomic. */
  readonly backend: 'transact' | 'commit' | 'perform' | 'sync' | 'none'
  /** Of `sync`: whether the queue joins the writes of a key in one tick. */
  readonly joinWrites: boolean
  /** Whether it stores copies. Otherwise it stores the very values that it receives. */
  readonly copiesValues: boolean
  /** Whether the backend orders its clients, as an object does. */
  readonly turns: boolean
  readonly latencies: readonly Latency[]
  readonly faults: readonly Fault[]
  readonly foreignWrites: readonly ForeignWrite[]
  /** Whether a transaction calls its function twice, as after a restart. */
  readonly restarts: boolean
}

export const DEFAULT_OPTIONS: ModelOptions = {
  batchAcrossTicks: true,
  backend: 'commit',
  joinWrites: false,
  copiesValues: false,
  turns: false,
  latencies: [{ wait: 0, takesEffectAtEnd: false }],
  faults: [],
  foreignWrites: [],
  restarts: false,
}

/** Whether a call never answers, or late. */
export function isSilent(
  fault: Fault | undefined,
): fault is Fault & { readonly kind: SilentFault } {
  return fault?.kind === 'late' || fault?.kind.startsWith('silent') === true
}
