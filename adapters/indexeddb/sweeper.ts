import { noop } from '../../src/async.ts'
import type { Connection } from './connection.ts'
import { EXPIRY } from './format.ts'
import { keysIn } from './requests.ts'

/** How many expired entries one transaction removes. */
const MOST = 1000
/** How long after one sweep a write begins the next, in milliseconds. */
const BETWEEN = 60_000

/** Removes what has expired, in its own time. What cannot be removed has expired all the same. */
export class Sweeper {
  readonly #connection: Connection
  readonly #now: (() => number) | undefined
  #last = -BETWEEN
  #ended = false
  #sweeping: Promise<void> | undefined

  /** @param now the runtime's clock; without one nothing is swept after a write */
  constructor(connection: Connection, now: (() => number) | undefined) {
    this.#connection = connection
    this.#now = now
  }

  /** Something was written that is to expire. */
  written(): void {
    const now = this.#now?.()
    if (now === undefined || now - this.#last < BETWEEN) return
    this.#last = now
    this.sweep(now)
  }

  sweep(now: number): void {
    this.#sweeping ??= this.#sweep(now)
      .catch(noop)
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
      more = await this.#connection.run<boolean>(
        (entries, answer, after) => {
          const request = keysIn(entries.index(EXPIRY), IDBKeyRange.upperBound(now), MOST)
          after([request], () => {
            const expired = request.result
            for (const key of expired) entries.delete(key)
            answer(expired.length === MOST)
          })
        },
        { durability: 'relaxed' },
      )
    }
  }
}
