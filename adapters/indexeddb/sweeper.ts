import { nothing } from '../../src/deferred.js'
import type { Change } from '../../src/storage.js'
import type { Connection } from './connection.js'
import { EXPIRY } from './format.js'
import { keysIn, whenAnswered } from './requests.js'

/** How many expired entries one transaction removes. */
const MOST = 1000
/** How long after one sweep a write begins the next, in milliseconds. */
const BETWEEN = 60_000

/** Removes what has expired, in its own time. What cannot be removed has expired all the same. */
export class Sweeper {
  readonly #connection: Connection
  readonly #now: (() => number) | undefined
  #last = Number.NEGATIVE_INFINITY
  #ended = false
  #sweeping: Promise<void> | undefined

  /** @param now the runtime's clock; without one nothing is swept after a write */
  constructor(connection: Connection, now: (() => number) | undefined) {
    this.#connection = connection
    this.#now = now
  }

  /** Something was written: sweeps, if it is to expire. */
  written(changes: readonly Change[]): void {
    const now = this.#now?.()
    if (now === undefined || now - this.#last < BETWEEN) return
    if (!changes.some((change) => 'entry' in change && change.entry.expires !== undefined)) return
    this.#last = now
    this.sweep(now)
  }

  sweep(now: number): void {
    this.#sweeping ??= this.#sweep(now)
      .catch(nothing)
      .finally(() => {
        this.#sweeping = undefined
      })
  }

  /** Begins no more, and waits for what is under way. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#sweeping
  }

  async #sweep(now: number): Promise<void> {
    for (let more = true; more && !this.#ended;) {
      const { store, ended } = await this.#connection.begin('readwrite', 'relaxed')
      const expired = keysIn(store.index(EXPIRY), IDBKeyRange.upperBound(now), MOST)
      whenAnswered([expired], () => {
        for (const key of expired.result) store.delete(key)
      })
      more = (await ended) === undefined && expired.result.length === MOST
    }
  }
}
