// The scheduler decides when operations run. A batch starts one microtask after its first operation,
// or after the batch before it; what is added meanwhile joins the next one. Retries run concurrently
// with later batches: only operations on any key of the same retry wait for it. Operations that have
// lost a race, and writes of keys that others wait for, run in a turn on their keys (turns.ts).

import { backoff, noop } from '../async.ts'
import { toStoreError } from '../errors.ts'
import { limitTime } from '../time-limit.ts'
import { releaseTurn, type Turn, type Turns } from '../turns.ts'
import { groupByKey, type Operation, type Operations } from './operation.ts'

/**
 * Runs operations together, in a turn if there is one. Resolves to lists to run again, one after
 * another; never rejects.
 */
export type RunBatch = (operations: Operations, turn?: Turn) => Promise<readonly Operations[]>

/** A lease is at least this long, and at least twice as long as the updater took before. */
const MIN_LEASE_MS = 250

export class Scheduler {
  readonly #runBatch: RunBatch
  readonly #turns: Turns | undefined
  readonly #timeLimitMs: number
  /** The batch that has not started. */
  #next: Operation[] | undefined
  /** How many batches run or wait to. */
  #batches = 0
  /** Resolves when the last batch has run, though not its retries. */
  #lastBatch: Promise<unknown> = Promise.resolve()
  /** How many tasks run alone or wait to. */
  #exclusiveTasks = 0
  /** By key: resolves when the last retry with this key is done, including its other keys. */
  readonly #retries = new Map<string, Promise<void>>()

  /** @param timeLimitMs how long to wait for a turn */
  constructor(runBatch: RunBatch, turns: Turns | undefined, timeLimitMs: number) {
    this.#runBatch = runBatch
    this.#turns = turns
    this.#timeLimitMs = timeLimitMs
  }

  /** Whether an operation that is added now would wait for nothing. */
  get isIdle(): boolean {
    return this.#batches + this.#exclusiveTasks + this.#retries.size === 0
  }

  /** Adds an operation to the next batch. It starts in a microtask, or after the running batch. */
  add(operation: Operation): Promise<unknown> {
    if (!this.#next) {
      const batch: Operation[] = (this.#next = [])
      this.#batches++
      this.#lastBatch = this.#lastBatch.then(() => {
        if (this.#next === batch) this.#next = undefined
        return this.#start(batch)
      })
    }
    this.#next.push(operation)
    return operation.promise
  }

  /**
   * Runs an operation alone, in its turn, which it requests unless it has one. Later operations on
   * its keys wait while it runs, but not while it waits for the turn.
   */
  async addInTurn(operation: Operation): Promise<void> {
    if (!operation.turn) await this.#takeTurn([operation])
    this.#retry([[operation]])
  }

  /**
   * Removes and returns the operations that wait only for the running batch. `undefined` if any wait
   * for more, and so have to stay.
   */
  takeWaiting(): Operations | undefined {
    if (this.#retries.size > 0 || this.#exclusiveTasks > 0) return undefined
    return this.#next?.splice(0) ?? []
  }

  /** Runs `task` after the batches so far and their retries, and before later batches. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    this.#exclusiveTasks++
    const result = this.idle()
      .then(task)
      .finally(() => this.#exclusiveTasks--)
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
    try {
      const isAllReady = this.#retries.size === 0 && this.#turns?.hasContention !== true
      const ready = isAllReady ? batch : groupByKey(batch).flatMap(this.#holdBack)
      const lists = await this.#runBatch(ready)
      if (lists.length > 0) this.#retry(lists)
    } catch (error) {
      // The turns of an adapter have thrown.
      for (const { reject } of batch) reject(toStoreError(error, { outcome: 'not-applied' }))
    } finally {
      this.#batches--
    }
  }

  /** Returns the group, or nothing after scheduling it behind retries of its keys or for its turn. */
  readonly #holdBack = (group: Operation[]): Operation[] => {
    const earlier = keysOf(group).flatMap((key) => this.#retries.get(key) ?? [])
    if (earlier.length === 0 && !this.#needsTurn(group)) return group
    this.#retry([group], Promise.all(earlier))
    return []
  }

  #retry(lists: readonly Operations[], earlier: Promise<unknown> = Promise.resolve()): void {
    const keys = keysOf(lists.flat())
    const done = earlier
      .then(() => this.#runAll(lists))
      .finally(() => {
        for (const key of keys) if (this.#retries.get(key) === done) this.#retries.delete(key)
      })
    for (const key of keys) this.#retries.set(key, done)
  }

  async #runAll(lists: readonly Operations[]): Promise<void> {
    for (const operations of lists) {
      const turn = operations[0]?.turn ?? (await this.#takeTurn(operations))
      const again = await this.#runBatch(operations, turn)
      // The only operation of a list keeps its turn while its updater runs.
      if (operations.length > 1) releaseTurn(turn)
      await this.#runAll(again)
    }
  }

  /** Waits for a turn, if the operations need one, and after repeated conflicts for some time. */
  async #takeTurn(operations: Operations): Promise<Turn | undefined> {
    const [first] = operations
    const conflicts = first?.conflicts ?? 0
    // With turns, one lost race is normal. More mean that another client does not take turns.
    const pauses = this.#turns ? conflicts - 1 : conflicts
    if (pauses > 0) await backoff(pauses)
    if (!first || !this.#needsTurn(operations)) return undefined
    let updaterMs = 0
    for (const operation of operations) updaterMs = Math.max(updaterMs, operation.updaterMs)
    // Of two updaters that wait for each other's turn, the one with the longer lease gets ahead.
    const leaseMs = Math.max(MIN_LEASE_MS, 2 * updaterMs) * (1 + Math.random())
    const keys = [...new Set(keysOf(operations))]
    const request = (async () => this.#turns?.request(keys, leaseMs))()
    const turn = await limitTime(request, this.#timeLimitMs).catch(() => {
      // Without a turn the operations only lose more races. If it comes after all, others can go on.
      request.then(releaseTurn, noop)
      return undefined
    })
    if (typeof turn?.release !== 'function') return undefined
    if (operations.length === 1) first.keepTurn(turn)
    return turn
  }

  #needsTurn(operations: Operations): boolean {
    const turns = this.#turns
    if (!turns) return false
    if (operations.some(({ conflicts }) => conflicts > 0)) return true
    return (
      turns.hasContention &&
      operations.some(({ changes, updater }) => changes ?? updater) &&
      keysOf(operations).some((key) => turns.isContended(key))
    )
  }
}

function keysOf(operations: Operations): readonly string[] {
  return operations.flatMap(({ keys }) => keys)
}
