import { deferred, nothing } from '../deferred.js'

// What was accepted on one key and has not settled: the last write, and the reads since.
interface Lane {
  readonly write: Promise<unknown> | undefined
  readonly reads: Promise<unknown> | undefined
}

/**
 * The program order of each key: a write goes after the writes and reads before it, reads go
 * together, and what has nothing to wait for starts at once.
 *
 * With `gather: false` nothing waits for a call of an earlier tick. Such a call may belong to
 * another request, and in a Worker a promise of another request may never settle.
 */
export class Lanes {
  readonly #gather: boolean
  readonly #lanes = new Map<string, Lane>()
  #barrier: Promise<unknown> | undefined
  #forgetting = false

  constructor(gather: boolean) {
    this.#gather = gather
  }

  /** Runs an operation in its place. One that calls `leave` is not waited for any longer. */
  run<T>(
    keys: readonly string[],
    writes: boolean,
    operation: (leave: () => void) => Promise<T>,
  ): Promise<T> {
    const before: unknown[] = this.#barrier === undefined ? [] : [this.#barrier]
    for (const key of keys) {
      const lane = this.#lanes.get(key)
      if (lane?.write) before.push(lane.write)
      if (lane?.reads && writes) before.push(lane.reads)
    }
    const { promise: left, resolve: leave } = deferred()
    const result =
      before.length === 0 ? operation(leave) : Promise.all(before).then(() => operation(leave))
    const done = Promise.race([left, quiet(result)])
    for (const key of new Set(keys)) this.#occupy(key, writes, done)
    this.#forget()
    return result
  }

  /** Runs an operation after all that was accepted, and ahead of all that comes later. */
  runAlone<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.settled().then(operation)
    const barrier = quiet(result)
    this.#barrier = barrier
    void barrier.finally(() => {
      if (this.#barrier === barrier) this.#barrier = undefined
    })
    this.#forget()
    return result
  }

  /** Settles when every operation accepted so far has. */
  async settled(): Promise<void> {
    const before: unknown[] = [this.#barrier]
    for (const lane of this.#lanes.values()) before.push(lane.write, lane.reads)
    await Promise.all(before)
  }

  #occupy(key: string, writes: boolean, done: Promise<unknown>): void {
    const before = this.#lanes.get(key)
    const lane: Lane = writes
      ? { write: done, reads: undefined }
      : { write: before?.write, reads: before?.reads ? Promise.all([before.reads, done]) : done }
    this.#lanes.set(key, lane)
    void (lane.reads ?? done).finally(() => {
      if (this.#lanes.get(key) === lane) this.#lanes.delete(key)
    })
  }

  #forget(): void {
    if (this.#gather || this.#forgetting) return
    this.#forgetting = true
    queueMicrotask(() => {
      this.#forgetting = false
      this.#lanes.clear()
      this.#barrier = undefined
    })
  }
}

/** Settles with a promise, and never rejects. */
function quiet(promise: Promise<unknown>): Promise<void> {
  return promise.then(nothing, nothing)
}
