import type { StoreErrorData, WriteOutcome } from '../errors.ts'

/** The methods of a store whose calls are recorded: all but `watch` and `close`. */
export type RecordedMethod =
  | 'get'
  | 'has'
  | 'record'
  | 'getMany'
  | 'set'
  | 'delete'
  | 'setMany'
  | 'deleteMany'
  | 'insert'
  | 'getOrInsert'
  | 'increment'
  | 'append'
  | 'touch'
  | 'pop'
  | 'update'
  | 'mutable'
  | 'transaction'
  | 'clear'
  | 'size'
  | 'keys'
  | 'values'
  | 'entries'
  | 'records'

/** What a call read of one key. Without `value` and `exists` the key was missing. */
export interface KeyRead {
  readonly key: string
  readonly value?: unknown
  /** The key had a value, which the call did not read. */
  readonly exists?: true | undefined
}

/** What a call wrote to one key. Without `value` it removed the key. */
export interface KeyWrite {
  readonly key: string
  readonly value?: unknown
  /** Whether the value was given an expiry. */
  readonly expires?: boolean | undefined
}

/** One run of the function of `update`, `mutable` or `transaction` that did not throw. */
export interface CallAttempt {
  readonly reads: readonly KeyRead[]
  readonly writes: readonly KeyWrite[]
}

/**
 * One call of a store's method. It is plain data, and can be sent by `postMessage`, and as JSON if its
 * values can.
 */
export interface CallRecord {
  /** The client that made the call. */
  readonly client: string
  /** The clock of `called` and `settled`. Calls with different clocks are in no order. */
  readonly clock: string
  /** When the method was called. */
  readonly called: number
  /** When its promise settled, or its listing ended; absent: not yet. */
  readonly settled?: number | undefined
  readonly method: RecordedMethod
  /** The keys that the call names; none for `clear`, `size` and listings. */
  readonly keys: readonly string[]
  /** Copies of the arguments, with lists for iterables and null for functions. */
  readonly args: readonly unknown[]
  /** What the function of `update`, `mutable` and `transaction` read and wrote, in each run. */
  readonly attempts?: readonly CallAttempt[] | undefined
  /**
   * What became of the call: `applied` if it resolved, else what its error says. `unknown` while it
   * is pending.
   */
  readonly outcome: WriteOutcome
  /**
   * A copy of what the call resolved to. Of `getMany` and listings, a list of {@link KeyRead}; of
   * `record`, the value; of `transaction` and `values`, nothing.
   */
  readonly result?: unknown
  /** Why the call was rejected. */
  readonly error?: StoreErrorData | { readonly name: string; readonly message: string } | undefined
  /** Of a listing: whether every key with its prefix was listed. */
  readonly isComplete?: boolean | undefined
}
