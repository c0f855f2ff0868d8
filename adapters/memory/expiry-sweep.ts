import { type Entry, isLive } from '../../src/entry.ts'

/** How many entries a step examines. */
const STEP_ENTRIES = 10_000
/** The least time between two steps. */
const STEP_INTERVAL_MS = 10
/** The longest delay of `setTimeout`, about 25 days. */
const MAX_DELAY_MS = 2 ** 31 - 1

/**
 * Frees the expired entries of a `Map`. While any entry expires, it goes round the `Map` in small
 * steps: in a timer, and in the calls of the storage, since a Worker has no timers between requests.
 */
export class ExpirySweep {
  /** Returns the time in milliseconds since 1970. */
  now: () => number = Date.now
  readonly #map: ReadonlyMap<string, Entry>
  readonly #free: (key: string) => void
  /** What the current round has not examined yet. */
  #rest: IterableIterator<[string, Entry]> | undefined
  /** The earliest expiry that the current round has found, or that was set since it began. */
  #nextExpiry = Infinity
  /** When the next step is due; `Infinity` if no entry expires. */
  #dueAt = Infinity
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param free removes an entry from the map */
  constructor(map: ReadonlyMap<string, Entry>, free: (key: string) => void) {
    this.#map = map
    this.#free = free
  }

  /** Makes sure that an entry which was set is freed after it has expired. */
  add(expires: number): void {
    this.#nextExpiry = Math.min(this.#nextExpiry, expires)
    this.#schedule(expires)
  }

  /** Examines some more entries, if that is due. */
  runIfDue(): void {
    if (this.#dueAt !== Infinity && this.now() >= this.#dueAt) this.#run()
  }

  #run(): void {
    const now = this.now()
    this.#dueAt = Infinity
    if (this.#rest === undefined) {
      this.#rest = this.#map.entries()
      this.#nextExpiry = Infinity
    }
    let examined = 0
    // Leaving the loop does not end the iterator of a `Map`, and it shows later changes.
    for (const [key, entry] of this.#rest) {
      if (!isLive(entry, now)) this.#free(key)
      else if (entry.expires !== undefined) {
        this.#nextExpiry = Math.min(this.#nextExpiry, entry.expires)
      }
      if (++examined === STEP_ENTRIES) return this.#schedule(now)
    }
    this.#rest = undefined
    this.#schedule(this.#nextExpiry)
  }

  /** Makes the next step due at a time, unless it is due earlier. */
  #schedule(at: number): void {
    if (at >= this.#dueAt) return
    const dueAt = Math.max(at, this.now() + STEP_INTERVAL_MS)
    if (dueAt >= this.#dueAt) return
    this.#dueAt = dueAt
    this.#setTimer()
  }

  #setTimer(): void {
    const setAt = this.now()
    try {
      // The timer must not keep the data of a plugin that is no longer used.
      const reference = new WeakRef(this)
      if (this.#timer !== undefined) clearTimeout(this.#timer)
      const onTimer = (): void => {
        const sweep = reference.deref()
        if (sweep !== undefined) sweep.#onTimer(setAt)
      }
      this.#timer = setTimeout(onTimer, Math.min(this.#dueAt - setAt, MAX_DELAY_MS))
      // Lets a Node process end. Other platforms return a number.
      ;(this.#timer as { unref?: () => void }).unref?.()
    } catch {
      // A Worker has no timers outside a request, and an old one has no `WeakRef`: the calls sweep.
    }
  }

  #onTimer(setAt: number): void {
    const now = this.now()
    if (now >= this.#dueAt) this.#run()
    // It waited for less than the clock says. If the clock stands still, the calls sweep.
    else if (now !== setAt && this.#dueAt !== Infinity) this.#setTimer()
  }
}
