import { deferred, sleep } from '../async.ts'
import { toStoreError, StoreError } from '../errors.ts'
import type { Change, Entry, StorageBase } from '../storage.ts'
import type { Leave } from './replay.ts'
import { Recovery, READ_ATTEMPTS, untilNext } from './recovery.ts'
import { Operation, type EntryUpdater, type Decision } from './operation.ts'
import { pause, Scheduler } from './scheduler.ts'
import { Round, type RoundHost } from './batch.ts'

/** How often a step is tried against other writers before it is a `CONFLICT`. */
const MAX_TRIES = 100
/** How long a step that lost a race waits for the one before it, in milliseconds. */
const TURN = 250

/**
 * The one way from the stores of a namespace to their storage. What is accepted in one tick becomes
 * one read and one commit; operations keep the order of each key, and a conditional step is atomic
 * against every other writer the backend can tell apart.
 */
export class OperationQueue implements RoundHost {
  readonly delivery: Recovery
  readonly storage: StorageBase
  readonly #namespace: string
  readonly #turns = new Map<string, Promise<unknown>>()
  #pipeline: Scheduler | undefined
  #deciding: string | undefined

  constructor(storage: StorageBase, namespace: string) {
    this.delivery = new Recovery(storage)
    this.storage = storage
    this.#namespace = namespace
  }

  read(key: string): Promise<Entry | undefined> {
    return this.#accept(new Operation([key])) as Promise<Entry | undefined>
  }

  /**
   * Writes a group whole. Its changes carry no condition.
   *
   * @throws StoreError `CONFLICT` at once, within a function that decides on one of its keys
   */
  write(changes: readonly Change[]): Promise<void> {
    const keys = changes.map(({ key }) => key)
    for (const key of keys) this.#checkApart(key)
    return this.#accept(new Operation(keys, changes)) as Promise<void>
  }

  /**
   * Reads, decides and writes as one atomic step.
   *
   * @throws StoreError `CONFLICT` at once, within a function that decides on the same key
   */
  step<T>(key: string, plan: EntryUpdater<T>): Promise<T> {
    this.#checkApart(key)
    const decide: EntryUpdater<T> = (now) => {
      const around = this.#deciding
      this.#deciding = key
      try {
        return plan(now)
      } finally {
        this.#deciding = around
      }
    }
    return this.#accept(new Operation([key], undefined, decide)) as Promise<T>
  }

  clear(): Promise<void> {
    return this.#line()
      .alone(() => this.storage.clear())
      .catch(this.#located)
  }

  async liveLen(now: number): Promise<number> {
    await this.#line().settled()
    return this.delivery.retry(() => this.storage.liveLen(now)).catch(this.#located)
  }

  reject(op: Operation, error: unknown): void {
    op.reject(toStoreError(error, { namespace: this.#namespace, key: op.keys[0] }))
  }

  /** Once its plan has decided, the step comes back to be stored. */
  readonly leave: Leave = ({ op, read, promise }, current) => {
    const decided = (planned: Decision): void => {
      op.made = { read, planned }
      if (planned.change === undefined) op.resolve(planned.result)
      else if (current) this.#line().add(op)
      else this.lost(op)
    }
    promise.then(decided, (error: unknown) => op.reject(error))
  }

  lost(op: Operation): boolean {
    op.tries++
    // The others are made once more, without the steps that they lost with.
    if (op.tries >= MAX_TRIES + (op.plan ? 0 : 1)) {
      const words = `The key changed ${MAX_TRIES} times while this step was made, by other writers or by the step's own function.`
      this.reject(op, new StoreError('CONFLICT', words))
      return false
    }
    if (op.made === undefined) return true
    op.made = undefined
    void this.#inTurn(op)
    return false
  }

  /** What the storage lists, after what was accepted. A listing that fails is made again until its first entry. */
  async *list<T>(list: () => AsyncIterable<T>): AsyncGenerator<T> {
    await this.#line().settled()
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const each of list()) {
          attempt = READ_ATTEMPTS
          yield each
        }
        return
      } catch (error) {
        await untilNext(attempt, error).catch(this.#located)
      }
    }
  }

  readonly #located = (error: unknown): never => {
    throw toStoreError(error, { namespace: this.#namespace })
  }

  #accept(op: Operation): Promise<unknown> {
    this.#line().add(op)
    return op.promise
  }

  /**
   * With `gather: false` no call waits for one of an earlier tick. That may belong to another
   * request, and in a Worker a promise of another request may never settle.
   */
  #line(): Scheduler {
    if (this.#pipeline === undefined) {
      this.#pipeline = new Scheduler((ops) => new Round(this).run(ops))
      if (!this.storage.traits.batchAcrossTicks) {
        queueMicrotask(() => {
          this.#pipeline = undefined
        })
      }
    }
    return this.#pipeline
  }

  // Steps that took their time and lost go one after another from then on. It is a courtesy with a
  // time limit and no lock: a function may itself be waiting for another step on the key.
  async #inTurn(op: Operation): Promise<void> {
    const [key = ''] = op.keys
    if (this.storage.traits.batchAcrossTicks && op.endTurn === undefined) {
      const before = this.#turns.get(key)
      const { promise: turn, resolve: end } = deferred()
      this.#turns.set(key, turn)
      op.endTurn = () => {
        end()
        if (this.#turns.get(key) === turn) this.#turns.delete(key)
      }
      if (before !== undefined) await Promise.race([before, sleep(TURN)])
    }
    await pause(op.tries)
    this.#line().add(op)
  }

  #checkApart(key: string): void {
    if (key !== this.#deciding) return
    throw new StoreError(
      'CONFLICT',
      'A function that decides on a key cannot write that key as well; what it returns is written.',
      { namespace: this.#namespace, key, retryable: false },
    )
  }
}
