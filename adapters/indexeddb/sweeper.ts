import { noop } from '../../src/async.ts'
import type { Connection } from './connection.ts'
import { EXPIRY_INDEX } from './format.ts'
import { requestKeys } from './listing.ts'

/** How many entries one transaction deletes. */
const BATCH_SIZE = 1000
/** The shortest time between two sweeps that writes start. */
const SWEEP_INTERVAL_MS = 60_000

/**
 * Deletes expired entries in the background, to free their space. Reads ignore expired entries
 * anyway, so a sweep that fails is not reported.
 */
export class Sweeper {
  readonly #connection: Connection
  readonly #now: (() => number) | undefined
  #sweptAt = -SWEEP_INTERVAL_MS
  #isClosed = false
  #sweeping: Promise<void> | undefined

  /** @param now the runtime's clock; without one, writes start no sweep */
  constructor(connection: Connection, now: (() => number) | undefined) {
    this.#connection = connection
    this.#now = now
  }

  /** Starts a sweep if the last one was long ago. Called after an entry was written that expires. */
  onWrite(): void {
    const now = this.#now?.()
    if (now === undefined || now - this.#sweptAt < SWEEP_INTERVAL_MS) return
    this.#sweptAt = now
    this.sweep(now)
  }

  /** Starts to delete what has expired at `now`, unless a sweep is running. */
  sweep(now: number): void {
    this.#sweeping ??= this.#sweep(now)
      .catch(noop)
      .finally(() => {
        this.#sweeping = undefined
      })
  }

  /** Waits for the transaction that is running, and starts no other. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#sweeping
  }

  async #sweep(now: number): Promise<void> {
    for (let hasMore = true; hasMore && !this.#isClosed;) {
      // Relaxed: an entry that a power cut restores is still expired.
      hasMore = await this.#connection.run<boolean>(
        (entries, finish, onSuccess) => {
          const range = IDBKeyRange.upperBound(now)
          const request = requestKeys(entries.index(EXPIRY_INDEX), range, BATCH_SIZE)
          onSuccess([request], () => {
            const expired = request.result
            for (const key of expired) entries.delete(key)
            finish(expired.length === BATCH_SIZE)
          })
        },
        { durability: 'relaxed' },
      )
    }
  }
}
