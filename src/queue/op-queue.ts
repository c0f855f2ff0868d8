import { deferred, nothing } from '../deferred.js'
import { StoreError } from '../errors.js'
import type { Change, Entry, KeysOptions, StorageBase, StorageListener } from '../storage.js'
import { Delivery, sleep, type Verdict } from './delivery.js'
import { Lanes } from './lanes.js'

/** What a step wants: at most one change, and what its caller is to get. */
export interface Planned<T> {
  readonly change?: Change | undefined
  readonly result: T
}

/** Decides on a step, given the entry as it is now. It is asked again if the entry changed meanwhile. */
export type Plan<T> = (now: Entry | undefined) => Planned<T> | Promise<Planned<T>>

/** How often a step is tried against other writers before it is a `CONFLICT`. */
const MAX_ATTEMPTS = 100
/** How long a step that lost a race waits for the one before it, in milliseconds. */
const TURN = 250

/**
 * The one way from the stores of a namespace to their storage: operations keep the order of each
 * key, and a conditional step is atomic against every other writer the backend can tell apart.
 */
export class OpQueue {
  readonly #storage: StorageBase
  readonly #namespace: string
  readonly #delivery: Delivery
  readonly #lanes: Lanes
  readonly #turns = new Map<string, Promise<unknown>>()
  #deciding: string | undefined

  constructor(storage: StorageBase, namespace: string) {
    this.#storage = storage
    this.#namespace = namespace
    this.#delivery = new Delivery(storage, namespace)
    this.#lanes = new Lanes(storage.traits.gather)
  }

  read(key: string): Promise<Entry | undefined> {
    return this.#lanes.run([key], false, () => this.#delivery.read(key))
  }

  /** Writes a group whole. Its changes carry no condition. */
  async write(changes: readonly Change[]): Promise<void> {
    const keys = changes.map((change) => change.key)
    for (const key of keys) this.#notWhileDeciding(key)
    await this.#lanes.run(keys, true, () => this.#delivery.commit(changes))
  }

  /** Reads, decides and writes as one atomic step. */
  async step<T>(key: string, plan: Plan<T>): Promise<T> {
    this.#notWhileDeciding(key)
    return this.#lanes.run([key], true, (leave) => this.#step(key, plan, leave))
  }

  clear(): Promise<void> {
    return this.#lanes.runAlone(() => this.#delivery.clear())
  }

  async liveLen(now: number): Promise<number> {
    await this.#lanes.settled()
    return this.#delivery.retry(() => this.#storage.liveLen(now))
  }

  async *liveKeys(now: number, options?: KeysOptions): AsyncGenerator<string> {
    await this.#lanes.settled()
    yield* this.#delivery.iterate(() => this.#storage.liveKeys(now, options))
  }

  async *entries(options?: KeysOptions): AsyncGenerator<[string, Entry]> {
    await this.#lanes.settled()
    yield* this.#delivery.iterate(() => this.#storage.entries(options))
  }

  /** Tells of changes until the function it returns is called; `undefined` if the storage cannot. */
  watch(listener: StorageListener): (() => void) | undefined {
    return this.#storage.watch?.(listener)
  }

  async #step<T>(key: string, plan: Plan<T>, leave: () => void): Promise<T> {
    let endTurn: (() => void) | undefined
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const { planned, verdict } = await this.#attempt(key, plan, leave)
        if (verdict === 'applied') return planned.result
        endTurn ??= await this.#takeTurn(key)
        // Contenders spread out; one that waits long is no worse off than one that just came.
        await sleep(Math.random() * Math.min(2 ** attempt, 64))
      }
    } finally {
      endTurn?.()
    }
    throw new StoreError(
      'CONFLICT',
      `The key changed ${MAX_ATTEMPTS} times while this step was made, by other writers or by the step's own function.`,
      { namespace: this.#namespace, key },
    )
  }

  async #attempt<T>(
    key: string,
    plan: Plan<T>,
    leave: () => void,
  ): Promise<{ planned: Planned<T>; verdict: Verdict }> {
    const decision = this.#storage.transact
      ? await this.#decideInside(key, plan)
      : { step: this.#decide(key, plan, await this.#delivery.read(key)) }
    const { step, verdict } = decision
    // Nobody waits for a function that takes its time; if the key changes meanwhile, it runs again.
    if (step instanceof Promise && !(await settlesSoon(step))) leave()
    const planned = await step
    if (verdict !== undefined) return { planned, verdict }
    const { change } = planned
    return { planned, verdict: change ? await this.#delivery.commit([change]) : 'applied' }
  }

  // In the backend's own transaction a decision must be made at once. One that takes time is
  // made outside, and committed on the version that was read inside.
  async #decideInside<T>(
    key: string,
    plan: Plan<T>,
  ): Promise<{ step: Planned<T> | Promise<Planned<T>>; verdict?: Verdict }> {
    let made: { step: Planned<T> | Promise<Planned<T>> } | { error: unknown } | undefined
    const verdict = await this.#delivery.transact(key, (now) => {
      try {
        const step = this.#decide(key, plan, now)
        made = { step }
        // It may fail before the transaction is done, with nobody waiting for it yet.
        if (step instanceof Promise) step.catch(nothing)
      } catch (error) {
        made = { error }
      }
      return 'step' in made && !(made.step instanceof Promise) ? made.step.change : undefined
    })
    if (made === undefined) {
      throw new StoreError(
        'BACKEND_ERROR',
        'The storage resolved a transaction that it never ran.',
        {
          namespace: this.#namespace,
          key,
        },
      )
    }
    if ('error' in made) throw made.error
    return made.step instanceof Promise ? { step: made.step } : { step: made.step, verdict }
  }

  #decide<T>(key: string, plan: Plan<T>, now: Entry | undefined): Planned<T> | Promise<Planned<T>> {
    const around = this.#deciding
    this.#deciding = key
    try {
      return plan(now)
    } finally {
      this.#deciding = around
    }
  }

  #notWhileDeciding(key: string): void {
    if (key !== this.#deciding) return
    throw new StoreError(
      'CONFLICT',
      'A function that decides on a key cannot write that key as well; what it returns is written.',
      { namespace: this.#namespace, key, retryable: false },
    )
  }

  // Steps of this store that lost a race go one after another from then on. It is a courtesy with
  // a time limit and no lock: a function may itself be waiting for another step on the key.
  async #takeTurn(key: string): Promise<() => void> {
    if (!this.#storage.traits.gather) return nothing
    const before = this.#turns.get(key)
    const { promise: turn, resolve: end } = deferred()
    this.#turns.set(key, turn)
    if (before !== undefined) await Promise.race([before, sleep(TURN)])
    return () => {
      end()
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }
}

/** Does it settle within a few microtasks, as an async function does that awaits nothing? */
async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  const state = { settled: false }
  const mark = (): void => {
    state.settled = true
  }
  promise.then(mark, mark)
  for (let turn = 0; turn < 3 && !state.settled; turn++) await Promise.resolve()
  return state.settled
}
