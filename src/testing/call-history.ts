import { checkOptions, FUNCTION, type OptionTypes, STRING } from '../arguments.ts'
import type { CallRecord } from './call-record.ts'

/** The options of {@link CallHistory}. */
export interface CallHistoryOptions {
  /**
   * The name of the clock. Give two histories the same name only if their `now` can be compared, as
   * those of one process can. Default: a random name.
   */
  readonly clock?: string | undefined
  /** Returns the time of an event; it never goes back. Default: 1, 2, 3... */
  readonly now?: (() => number) | undefined
}

const HISTORY_OPTIONS: OptionTypes = { clock: STRING, now: FUNCTION }

/**
 * Collects the calls of several stores with one clock, so that it is known which call ended before
 * another began.
 *
 * Each page, Worker or process has a history of its own. Put their records into one list to check
 * them: no order is assumed between the calls of different clocks.
 *
 * @throws StoreError `INVALID_VALUE` for wrong options
 *
 * @example
 * const history = new CallHistory()
 * const { store: a } = recordOutcomes(storeA, { client: 'a', history })
 * const { store: b } = recordOutcomes(storeB, { client: 'b', history })
 */
export class CallHistory {
  /** The calls in the order in which they were made. */
  readonly records: CallRecord[] = []
  /** The name of the clock. */
  readonly clock: string
  /** Returns the time of an event. */
  readonly now: () => number

  constructor(options?: CallHistoryOptions) {
    const checked = checkOptions(options, HISTORY_OPTIONS)
    let count = 0
    this.clock = checked.clock ?? Math.random().toString(36).slice(2)
    this.now = checked.now ?? (() => ++count)
  }
}
