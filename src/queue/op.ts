import { nothing } from '../deferred.js'
import type { Change, Entry } from '../storage.js'

/** What a step wants: at most one change of its key, and what its caller is to get. */
export interface Planned<T = unknown> {
  /** Without a condition: that is the queue's to set. */
  readonly change?: Change | undefined
  readonly result: T
}

/** Decides on a step, given the entry as it is now. It is asked again if the entry changed meanwhile. */
export type Plan<T = unknown> = (now: Entry | undefined) => Planned<T> | Promise<Planned<T>>

/** An operation that was accepted: a write has changes, a step has a plan, a read has neither. */
export class Op {
  readonly keys: readonly string[]
  readonly changes: readonly Change[] | undefined
  readonly plan: Plan | undefined
  /** Tells which of two was accepted first. */
  id = 0
  /** How often it lost against another writer. */
  tries = 0
  /** What a plan that took its time has decided, and upon which entry. */
  made: { readonly read: Entry | undefined; readonly planned: Planned } | undefined
  /** Lets the next one go of those that lost on its key. */
  endTurn: (() => void) | undefined
  readonly promise: Promise<unknown>
  #resolve: (value: unknown) => void = nothing
  #reject: (error: unknown) => void = nothing

  constructor(keys: readonly string[], changes?: readonly Change[], plan?: Plan) {
    this.keys = keys
    this.changes = changes
    this.plan = plan
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  resolve(value?: unknown): void {
    this.endTurn?.()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.endTurn?.()
    this.#reject(error)
  }

  get isWrite(): boolean {
    return this.changes !== undefined || this.plan !== undefined
  }

  /** Can it run without knowing what is under its keys? */
  get isBlind(): boolean {
    return this.changes !== undefined || this.made !== undefined
  }
}

/** Parts operations into those that share keys, directly or through others; each in its order. */
export function chained(ops: readonly Op[]): Op[][] {
  const chains = new Set<Op[]>()
  const byKey = new Map<string, Op[]>()
  for (const op of ops) {
    let home: Op[] | undefined
    for (const key of op.keys) {
      const there = byKey.get(key)
      if (there === undefined || there === home) continue
      if (home !== undefined) {
        // This operation joins two: the smaller one moves.
        const [smaller, larger] = home.length < there.length ? [home, there] : [there, home]
        for (const moved of smaller) for (const its of moved.keys) byKey.set(its, larger)
        larger.push(...smaller)
        larger.sort((a, b) => a.id - b.id)
        chains.delete(smaller)
        home = larger
      } else home = there
    }
    if (home === undefined) chains.add((home = []))
    home.push(op)
    for (const key of op.keys) byKey.set(key, home)
  }
  return [...chains]
}
