import { noop } from '../../src/async.ts'
import type { Connection } from './connection.ts'
import { EXPIRY_INDEX } from './format.ts'
import { requestKeys } from './page-body.ts'

/** How many entries one transaction deletes. */
const BATCH_SIZE = 1000
/** The shortest time between two sweeps started by writes. */
const SWEEP_INTERVAL_MS = 60_000

/**
 * Deletes expired entries in the background, to free their space. Reads ignore expired entries
 * anyway, so a sweep that fails is not reported. A sweep is not announced to listeners either,
 * because expiry is not a change.
 */
export class Sweeper {
  readonly #connection: Connection
  readonly #now: (() => number) | undefined
  /**
   * When a write last started a sweep, in milliseconds since 1970 by the runtime's clock. The initial
   * value lets the first write start one.
   */
  #lastSweepStartedAt = -SWEEP_INTERVAL_MS
  #isClosed = false
  #runningSweep: Promise<void> | undefined

  /**
   * @param now the runtime's clock, in milliseconds since 1970; without one, writes start no sweep
   */
  constructor(connection: Connection, now: (() => number) | undefined) {
    this.#connection = connection
    this.#now = now
  }

  /** Starts a sweep, unless a write has started one within the last minute. */
  sweepIfDue(): void {
    const now = this.#now?.()
    if (now === undefined || now - this.#lastSweepStartedAt < SWEEP_INTERVAL_MS) return
    this.#lastSweepStartedAt = now
    this.sweep(now)
  }

  /** Starts to delete what has expired at `now`, in milliseconds since 1970, unless a sweep runs. */
  sweep(now: number): void {
    this.#runningSweep ??= this.#deleteExpired(now)
      .catch(noop)
      .finally(() => {
        this.#runningSweep = undefined
      })
  }

  /** Waits for the transaction that is running, and starts no other. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#runningSweep
  }

  async #deleteExpired(now: number): Promise<void> {
    for (let hasMore = true; hasMore && !this.#isClosed;) {
      // Relaxed: an entry that a power cut restores is still expired.
      const deleting = this.#connection.run<boolean>(
        (entries, finish, onSuccess) => {
          // It includes `now`: like for `isLive`, an entry has expired at that millisecond.
          const range = IDBKeyRange.upperBound(now)
          const request = requestKeys(entries.index(EXPIRY_INDEX), range, BATCH_SIZE)
          onSuccess([request], () => {
            const expiredKeys = request.result
            for (const key of expiredKeys) entries.delete(key)
            finish(expiredKeys.length === BATCH_SIZE)
          })
        },
        { durability: 'relaxed' },
      )
      hasMore = await this.#connection.limit(deleting)
    }
  }
}
