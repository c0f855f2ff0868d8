// The scheduler decides when operations run. Batches run one at a time, and what is added meanwhile
// joins the next batch. Operations that run again do so beside later batches; only operations on the
// same keys wait for them.

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
  /** By key: resolves when the last retry of the key is done. */
  readonly #retries = new Map<string, Promise<void>>()

  constructor(runBatch: RunBatch) {
    this.#runBatch = runBatch
  }

  /** Adds an operation to the next batch. It starts in a microtask, or after the running batch. */
  add(operation: Operation): void {
    if (this.#next === undefined) {
      const batch: Operation[] = (this.#next = [])
      this.#lastBatch = this.#lastBatch.then(() => {
        if (this.#next === batch) this.#next = undefined
        return this.#start(batch)
      })
    }
    this.#next.push(operation)
  }

  /** Runs `task` after everything added so far, and before everything added later. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.idle().then(task)
    this.#next = undefined
    this.#lastBatch = result.then(noop, noop)
    return result
  }

  /** Resolves when everything added so far has settled. */
  async idle(): Promise<void> {
    await this.#lastBatch
    await Promise.all(this.#retries.values())
  }

  async #start(batch: Operations): Promise<void> {
    const ready = this.#retries.size === 0 ? batch : groupByKey(batch).flatMap(this.#holdBack)
    const lists = await this.#runBatch(ready)
    if (lists.length > 0) this.#retry(lists, Promise.resolve())
  }

  /** Lets a group wait if it shares a key with a retry; otherwise returns it. */
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
