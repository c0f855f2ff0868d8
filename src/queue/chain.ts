import { nothing } from '../deferred.js'
import type { Change, Entry } from '../storage.js'
import { recopy } from '../value.js'
import type { Op, Plan, Planned } from './op.js'

/** A plan that takes its time, and the entry that it was given. */
export interface Pending {
  readonly op: Op
  readonly read: Entry | undefined
  readonly promise: Promise<Planned>
}

/** What a chain asks of its queue. */
export interface ChainHost {
  /** Calls the plan of a step. */
  decide(op: Op, now: Entry | undefined): ReturnType<Plan>
  /**
   * A plan takes too long to be waited for; the step is no part of the chain any more.
   *
   * @param current is what it was given still there?
   */
  left(pending: Pending, current: boolean): void
  /** What a plan had decided was overtaken; the step is no part of the chain any more. */
  lost(op: Op): void
}

/** Operations that are stored together. */
export interface Work {
  /** Those that are still to be made. */
  readonly ops: readonly Op[]
  /** Did more than one of them make changes? Then one may have spoiled it for the others. */
  readonly isShared: boolean
  /** Does it wait for a plan? */
  readonly isPending: boolean
  /** The keys that have to be read before it can run. */
  wanted(): readonly string[]
  /** Runs from its beginning upon what was found, until it is through or a plan takes time. */
  start(found: ReadonlyMap<string, Entry>): void
  /** Goes on until it is through. It waits some microtasks for a plan, and then goes on without it. */
  finish(): Promise<void>
  /** What is to be stored for all that has run. */
  group(conditional: boolean): readonly Change[]
  /** It is stored: hands out the answers. A chain that is pending goes on from there. */
  settle(): void
  /** It cannot be stored: those that wrote have failed. Returns the others, which have to run again. */
  fail(reject: (op: Op) => void): Op[]
}

/** A write that shares its keys with no other operation, as most do. */
export class Single implements Work {
  readonly ops: readonly [Op]
  readonly isShared = false
  readonly isPending = false
  readonly #changes: readonly Change[]

  constructor(op: Op, changes: readonly Change[]) {
    this.ops = [op]
    this.#changes = changes
  }

  wanted(): readonly string[] {
    return []
  }

  start(): void {}

  async finish(): Promise<void> {}

  group(): readonly Change[] {
    return this.#changes
  }

  settle(): void {
    this.ops[0].resolve()
  }

  fail(reject: (op: Op) => void): Op[] {
    reject(this.ops[0])
    return []
  }
}

/**
 * Operations that share keys, in their order. They run upon a view of these keys; what comes of
 * them is one group of changes, at most one for each key, that holds if what they read still does.
 */
export class Chain implements Work {
  readonly #ops: Op[]
  readonly #host: ChainHost
  /** How many have run. */
  #done = 0
  readonly #view = new Map<string, Entry | undefined>()
  /** The versions of what was read, by key; `null`: there was nothing. */
  readonly #base = new Map<string, string | null>()
  /** The keys of which the view has what was read, for this chain alone. */
  readonly #own = new Set<string>()
  readonly #changes = new Map<string, Change>()
  /** The keys whose changes follow from what was read. */
  readonly #dependent = new Set<string>()
  #writers = new Set<Op>()
  #answers: (() => void)[] = []
  #pending: Pending | undefined
  /** Those whose plan takes too long. What they were given is stored when the chain is. */
  #left: Pending[] = []

  constructor(ops: Op[], host: ChainHost) {
    this.#ops = ops
    this.#host = host
  }

  get ops(): readonly Op[] {
    return [...this.#ops, ...this.#left.map(({ op }) => op)]
  }

  get isShared(): boolean {
    return this.#writers.size > 1
  }

  get isPending(): boolean {
    return this.#pending !== undefined
  }

  wanted(): string[] {
    const met = new Set<string>()
    return this.#ops.flatMap((op) =>
      op.keys.filter((key) => {
        const first = !met.has(key)
        met.add(key)
        return first && !op.isBlind
      }),
    )
  }

  start(found: ReadonlyMap<string, Entry>): void {
    this.#done = 0
    this.#answers = []
    this.#pending = undefined
    this.#view.clear()
    this.#base.clear()
    this.#own.clear()
    this.#beginGroup()
    for (const key of this.wanted()) {
      this.#know(key, found.get(key))
      this.#own.add(key)
    }
    this.#advance()
  }

  async finish(): Promise<void> {
    for (let pending = this.#pending; pending !== undefined; pending = this.#pending) {
      this.#pending = undefined
      const { op, promise } = pending
      if (await settlesSoon(promise)) {
        await promise.then(
          (planned) => this.#take(op, planned),
          (error: unknown) => this.#answers.push(() => op.reject(error)),
        )
        this.#done++
      } else {
        this.#ops.splice(this.#done, 1)
        this.#left.push(pending)
      }
      this.#advance()
    }
  }

  group(conditional: boolean): readonly Change[] {
    return [...this.#changes.values()].map((change) =>
      conditional && this.#dependent.has(change.key)
        ? { ...change, ifVersion: this.#base.get(change.key) ?? null }
        : change,
    )
  }

  settle(): void {
    for (const answer of this.#answers) answer()
    for (const pending of this.#left) {
      const now = this.#view.get(pending.op.keys[0] ?? '')
      this.#host.left(pending, now?.version === pending.read?.version)
    }
    if (!this.isPending) return
    this.#answers = []
    this.#ops.splice(0, this.#done)
    this.#done = 0
    for (const [key, entry] of this.#view) this.#know(key, entry)
    this.#own.clear()
    this.#beginGroup()
  }

  fail(reject: (op: Op) => void): Op[] {
    for (const op of this.#writers) reject(op)
    return this.ops.filter((op) => !this.#writers.has(op))
  }

  #beginGroup(): void {
    this.#changes.clear()
    this.#dependent.clear()
    this.#writers = new Set()
  }

  #know(key: string, entry: Entry | undefined): void {
    this.#view.set(key, entry)
    this.#base.set(key, entry?.version ?? null)
  }

  #advance(): void {
    for (let op = this.#ops[this.#done]; op !== undefined; op = this.#ops[this.#done]) {
      if (this.#run(op)) this.#done++
      else if (this.isPending) return
      else {
        this.#ops.splice(this.#done, 1)
        this.#host.lost(op)
      }
    }
  }

  /** Is it through? Else it takes time, or was overtaken. */
  #run(op: Op): boolean {
    const [key = ''] = op.keys
    if (op.changes !== undefined) {
      for (const change of op.changes) this.#write(op, change)
      this.#answers.push(() => op.resolve())
      return true
    }
    if (op.made !== undefined) {
      const { read, planned } = op.made
      // What it has decided upon still has to be there; where that was not read, storing tells.
      if (!this.#view.has(key)) this.#know(key, read)
      if (this.#view.get(key)?.version !== read?.version) return false
      this.#take(op, planned)
      return true
    }
    const now = this.#shown(key)
    if (op.plan === undefined) {
      this.#answers.push(() => op.resolve(now))
      return true
    }
    try {
      const step = this.#host.decide(op, now)
      if (step instanceof Promise) {
        // It may fail while nobody waits for it yet.
        step.catch(nothing)
        this.#pending = { op, read: now, promise: step }
        return false
      }
      this.#take(op, step)
    } catch (error) {
      this.#answers.push(() => op.reject(error))
    }
    return true
  }

  #take(op: Op, { change, result }: Planned): void {
    if (change !== undefined) {
      if (this.#base.has(change.key)) this.#dependent.add(change.key)
      this.#write(op, change)
    }
    this.#answers.push(() => op.resolve(result))
  }

  #write(op: Op, change: Change): void {
    this.#view.set(change.key, 'entry' in change ? change.entry : undefined)
    this.#own.delete(change.key)
    this.#changes.set(change.key, change)
    this.#writers.add(op)
  }

  /** What is under a key now, for one who may keep it and change it. */
  #shown(key: string): Entry | undefined {
    const entry = this.#view.get(key)
    // Nobody looks at it after the last operation.
    const last = this.#done === this.#ops.length - 1
    return entry === undefined || (last && this.#own.has(key)) ? entry : copyOf(entry)
  }
}

/** A copy for another reader. */
export function copyOf(entry: Entry): Entry {
  return { ...entry, value: recopy(entry.value) }
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
