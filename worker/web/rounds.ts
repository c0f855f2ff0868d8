/** Does a step again and again while the page is seen, until `signal` aborts; never two at once. */
export class Rounds {
  readonly #step: () => Promise<void>
  readonly #pause: number
  readonly #signal: AbortSignal
  #last: Promise<void> = Promise.resolve()
  #waiting = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param pause milliseconds between two rounds */
  constructor(step: () => Promise<void>, pause: number, signal: AbortSignal) {
    this.#step = step
    this.#pause = pause
    this.#signal = signal
    signal.addEventListener('abort', () => clearTimeout(this.#timer))
    document.addEventListener('visibilitychange', () => this.#again(), { signal })
    addEventListener('online', () => this.#again(), { signal })
  }

  /**
   * Begins a round at once, or as soon as the one that is under way has ended. Rejects as its step
   * does; the rounds go on.
   */
  now(): Promise<void> {
    if (!this.#waiting) {
      this.#waiting = true
      const round = (): Promise<void> => this.#round()
      // One that failed is no reason against the next.
      this.#last = this.#last.then(round, round)
    }
    return this.#last
  }

  async #round(): Promise<void> {
    this.#waiting = false
    clearTimeout(this.#timer)
    if (this.#signal.aborted) return
    try {
      await this.#step()
    } finally {
      if (!this.#signal.aborted) this.#timer = setTimeout(() => this.#again(), this.#pause)
    }
  }

  #again(): void {
    if (document.visibilityState === 'visible') void this.now()
  }
}
