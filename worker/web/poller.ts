/**
 * Runs a task repeatedly while the page is visible, until `signal` aborts. Runs never overlap.
 * Becoming visible or going online starts a run at once.
 */
export class Poller {
  readonly #task: () => Promise<void>
  readonly #intervalMs: number
  readonly #signal: AbortSignal
  #lastRun: Promise<void> = Promise.resolve()
  #isQueued = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param intervalMs the pause from the end of one run to the start of the next */
  constructor(task: () => Promise<void>, intervalMs: number, signal: AbortSignal) {
    this.#task = task
    this.#intervalMs = intervalMs
    this.#signal = signal
    signal.addEventListener('abort', () => clearTimeout(this.#timer))
    document.addEventListener('visibilitychange', () => this.#runIfVisible(), { signal })
    addEventListener('online', () => this.#runIfVisible(), { signal })
  }

  /**
   * Runs the task now, or as soon as the current run ends. Rejects with what the task rejects with;
   * polling continues.
   */
  runNow(): Promise<void> {
    if (!this.#isQueued) {
      this.#isQueued = true
      const run = (): Promise<void> => this.#run()
      this.#lastRun = this.#lastRun.then(run, run)
    }
    return this.#lastRun
  }

  async #run(): Promise<void> {
    this.#isQueued = false
    clearTimeout(this.#timer)
    if (this.#signal.aborted) return
    try {
      await this.#task()
    } finally {
      if (!this.#signal.aborted) {
        this.#timer = setTimeout(() => this.#runIfVisible(), this.#intervalMs)
      }
    }
  }

  #runIfVisible(): void {
    if (document.visibilityState === 'visible') void this.runNow()
  }
}
