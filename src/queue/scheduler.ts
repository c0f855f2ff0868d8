// The scheduler decides when operations run. A batch starts one microtask after its first operation,
// or after the batch before it; what is added meanwhile joins the next one. Retries run concurrently
// with later batches: only operations on any key of the same retry wait for it.

import { backoff, noop } from '../async.ts'
import { groupByKey, type Operation, type Operations } from './operation.ts'

/** Runs operations together. Resolves to lists to run again, one after another; never rejects. */
export type RunBatch = (operations: Operations) => Promise<readonly Operations[]>

export class Scheduler {
  readonly #runBatch: RunBatch
  /** The batch that has not started. */
  #next: Operation[] | undefined
  /** Resolves when the last batch has run, though not its retries. */
  #lastBatch: Promise<unknown> = Promise.resolve()
  /** By key: resolves when the last retry with this key is done, including its other keys. */
  readonly #retries = new Map<string, Promise<void>>()

  constructor(runBatch: RunBatch) {
    this.#runBatch = runBatch
  }

  /** Adds an operation to the next batch. It starts in a microtask, or after the running batch. */
  add(operation: Operation): Promise<unknown> {
    if (this.#next === undefined) {
      const batch: Operation[] = (this.#next = [])
      this.#lastBatch = this.#lastBatch.then(() => {
        if (this.#next === batch) this.#next = undefined
        return this.#start(batch)
      })
    }
    this.#next.push(operation)
    return operation.promise
  }

  /** Runs `task` after the batches so far and their retries, and before later batches. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.idle().then(task)
    this.#next = undefined
    this.#lastBatch = result.then(noop, noop)
    return result
  }

  /** Resolves when the batches so far and their retries have run, but not their detached updates. */
  async idle(): Promise<void> {
    await this.#lastBatch
    await Promise.all(this.#retries.values())
  }

  async #start(batch: Operations): Promise<void> {
    const ready = this.#retries.size === 0 ? batch : groupByKey(batch).flatMap(this.#holdBack)
    const lists = await this.#runBatch(ready)
    if (lists.length > 0) this.#retry(lists, Promise.resolve())
  }

  /** Returns the group, or nothing after scheduling it behind the retries that it shares keys with. */
  readonly #holdBack = (group: Operation[]): Operation[] => {
    const keys = group.flatMap((operation) => operation.keys)
    const earlier = keys.flatMap((key) => this.#retries.get(key) ?? [])
    if (earlier.length === 0) return group
    this.#retry([group], Promise.all(earlier))
    return []
  }

  #retry(lists: readonly Operations[], earlier: Promise<unknown>): void {
    const keys = lists.flat().flatMap((operation) => operation.keys)
    const done = earlier
      .then(() => this.#runAll(lists))
      .finally(() => {
        for (const key of keys) if (this.#retries.get(key) === done) this.#retries.delete(key)
      })
    for (const key of keys) this.#retries.set(key, done)
  }

  async #runAll(lists: readonly Operations[]): Promise<void> {
    for (const operations of lists) {
      const conflicts = operations[0]?.conflicts ?? 0
      if (conflicts > 0) await backoff(conflicts)
      await this.#runAll(await this.#runBatch(operations))
    }
  }
}
