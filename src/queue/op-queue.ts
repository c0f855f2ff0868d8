import { deferred } from '../deferred.js'
import { locate, StoreError } from '../errors.js'
import type { Change, Entry, KeysOptions, StorageBase, StorageListener } from '../storage.js'
import type { Pending } from './chain.js'
import { Delivery, sleep } from './delivery.js'
import { Op, type Plan, type Planned } from './op.js'
import { type Maker, Pipeline } from './pipeline.js'
import { type Lists, Round, type RoundHost } from './round.js'

/** How often a step is tried against other writers before it is a `CONFLICT`. */
const MAX_TRIES = 100
/** How long a step that lost a race waits for the one before it, in milliseconds. */
const TURN = 250

/**
 * The one way from the stores of a namespace to their storage. What is accepted in one tick becomes
 * one read and one commit; operations keep the order of each key, and a conditional step is atomic
 * against every other writer the backend can tell apart.
 */
export class OpQueue implements Maker, RoundHost {
  readonly storage: StorageBase
  readonly delivery: Delivery
  readonly #namespace: string
  readonly #turns = new Map<string, Promise<unknown>>()
  #pipeline: Pipeline | undefined
  #accepted = 0
  #deciding: string | undefined

  constructor(storage: StorageBase, namespace: string) {
    this.storage = storage
    this.delivery = new Delivery(storage)
    this.#namespace = namespace
  }

  read(key: string): Promise<Entry | undefined> {
    return this.#accept(new Op([key])) as Promise<Entry | undefined>
  }

  /**
   * Writes a group whole. Its changes carry no condition.
   *
   * @throws StoreError `CONFLICT` at once, within a function that decides on one of its keys
   */
  write(changes: readonly Change[]): Promise<void> {
    return this.#accept(
      new Op(
        changes.map(({ key }) => key),
        changes,
      ),
    ) as Promise<void>
  }

  /**
   * Reads, decides and writes as one atomic step.
   *
   * @throws StoreError `CONFLICT` at once, within a function that decides on the same key
   */
  step<T>(key: string, plan: Plan<T>): Promise<T> {
    return this.#accept(new Op([key], undefined, plan)) as Promise<T>
  }

  clear(): Promise<void> {
    return this.#line().alone(() => this.#told(this.delivery.clear()))
  }

  async liveLen(now: number): Promise<number> {
    await this.#line().settled()
    return this.#told(this.delivery.retry(() => this.storage.liveLen(now)))
  }

  liveKeys(now: number, options?: KeysOptions): AsyncGenerator<string> {
    return this.#list(() => this.storage.liveKeys(now, options))
  }

  entries(options?: KeysOptions): AsyncGenerator<[string, Entry]> {
    return this.#list(() => this.storage.entries(options))
  }

  /** Tells of changes until the function it returns is called; `undefined` if the storage cannot. */
  watch(listener: StorageListener): (() => void) | undefined {
    return this.storage.watch?.(listener)
  }

  failed(error: unknown, key?: string): StoreError {
    return locate(error, { namespace: this.#namespace, key })
  }

  decide(op: Op, now: Entry | undefined): ReturnType<Plan> {
    const around = this.#deciding
    this.#deciding = op.keys[0]
    try {
      return op.plan?.(now) ?? { result: undefined }
    } finally {
      this.#deciding = around
    }
  }

  left({ op, read, promise }: Pending, current: boolean): void {
    const decided = (planned: Planned): void => {
      op.made = { read, planned }
      if (planned.change === undefined) op.resolve(planned.result)
      else if (current) this.#add(op)
      else this.lost(op)
    }
    promise.then(decided, (error: unknown) => op.reject(error))
  }

  lost(op: Op): boolean {
    op.tries++
    if (op.tries >= MAX_TRIES) {
      op.reject(
        new StoreError(
          'CONFLICT',
          `The key changed ${MAX_TRIES} times while this step was made, by other writers or by the step's own function.`,
          { namespace: this.#namespace, key: op.keys[0] },
        ),
      )
      return false
    }
    if (op.made === undefined) return true
    op.made = undefined
    void this.#inTurn(op)
    return false
  }

  pass(ops: readonly Op[]): Promise<Lists> {
    return new Round(this).run(ops)
  }

  async again(ops: readonly Op[]): Promise<void> {
    const [{ tries } = { tries: 0 }] = ops
    if (tries > 0) await pause(tries)
    for (const left of await this.pass(ops)) await this.again(left)
  }

  async *#list<T>(list: () => AsyncIterable<T>): AsyncGenerator<T> {
    await this.#line().settled()
    try {
      yield* this.delivery.iterate(list)
    } catch (error) {
      throw this.failed(error)
    }
  }

  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      throw this.failed(error)
    }
  }

  #accept(op: Op): Promise<unknown> {
    for (const key of op.keys) if (op.isWrite && key === this.#deciding) throw this.#reentered(key)
    this.#add(op)
    return op.promise
  }

  #add(op: Op): void {
    op.id = this.#accepted++
    this.#line().add(op)
  }

  /**
   * With `gather: false` no call waits for one of an earlier tick. That may belong to another
   * request, and in a Worker a promise of another request may never settle.
   */
  #line(): Pipeline {
    if (this.#pipeline === undefined) {
      this.#pipeline = new Pipeline(this)
      if (!this.storage.traits.gather) {
        queueMicrotask(() => {
          this.#pipeline = undefined
        })
      }
    }
    return this.#pipeline
  }

  // Steps that took their time and lost go one after another from then on. It is a courtesy with a
  // time limit and no lock: a function may itself be waiting for another step on the key.
  async #inTurn(op: Op): Promise<void> {
    const [key = ''] = op.keys
    if (this.storage.traits.gather && op.endTurn === undefined) {
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
    this.#add(op)
  }

  #reentered(key: string): StoreError {
    return new StoreError(
      'CONFLICT',
      'A function that decides on a key cannot write that key as well; what it returns is written.',
      { namespace: this.#namespace, key, retryable: false },
    )
  }
}

/** Contenders spread out; one that waits long is no worse off than one that just came. */
function pause(tries: number): Promise<void> {
  return sleep(Math.random() * Math.min(2 ** (tries - 1), 64))
}
