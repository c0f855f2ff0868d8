/** Holds what continues in a later task of the event loop, and releases it in a generated order. */
export class TaskQueue {
  readonly #waiting: (() => void)[] = []
  readonly #order: readonly number[]
  #count = 0

  /** @param order which waiter continues next, as numbers of any size */
  constructor(order: readonly number[]) {
    this.#order = order
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Lets one waiter continue. Returns `false` if there is none. */
  release(): boolean {
    if (this.#waiting.length === 0) return false
    const pick = this.#order[this.#count++ % this.#order.length] ?? 0
    const [next] = this.#waiting.splice(pick % this.#waiting.length, 1)
    next?.()
    return true
  }
}
