import { noop } from '../async.ts'
import type { Change, Entry } from '../storage.ts'

/** What a step wants: at most one change of its key, and what its caller is to get. */
export interface Decision<T = unknown> {
  /** Without a condition: that is the queue's to set. */
  readonly change?: Change | undefined
  readonly result: T
}

/** Decides on a step, given the entry as it is now. It is asked again if the entry changed meanwhile. */
export type EntryUpdater<T = unknown> = (
  now: Entry | undefined,
) => Decision<T> | Promise<Decision<T>>

/** An operation that was accepted: a write has changes, a step has a plan, a read has neither. */
export class Operation {
  /** At least one. */
  readonly keys: readonly string[]
  readonly changes: readonly Change[] | undefined
  readonly plan: EntryUpdater | undefined
  /** How often it lost against another writer. */
  tries = 0
  /** What a plan that took its time has decided, and upon which entry. */
  made: { readonly read: Entry | undefined; readonly planned: Decision } | undefined
  /** Lets the next one go of those that lost on its key. */
  endTurn: (() => void) | undefined
  /** What came of its last run, to be told when that is stored. */
  result: unknown
  /** Is the result what its plan threw? */
  threw = false
  readonly promise: Promise<unknown>
  #resolve: (value: unknown) => void = noop
  #reject: (error: unknown) => void = noop

  constructor(keys: readonly string[], changes?: readonly Change[], plan?: EntryUpdater) {
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

  /** Can it run without knowing what is under its keys? */
  get isBlind(): boolean {
    return this.changes !== undefined || this.made !== undefined
  }
}

/** Parts operations into those that share keys, directly or through others; each in its order. */
export function chained(ops: readonly Operation[]): Operation[][] {
  // From a key that is written together with others, the way to the one that stands for them all.
  const ways = new Map<string, string>()
  const head = (key: string): string => {
    for (let at = key; ;) {
      const next = ways.get(at)
      if (next === undefined) return at
      // Halved as it is walked, or a hundred thousand such walks would take minutes.
      ways.set(at, ways.get(next) ?? next)
      at = next
    }
  }
  for (const { keys } of ops) {
    if (keys.length === 1) continue
    const first = head(keys[0] ?? '')
    for (const key of keys) {
      const other = head(key)
      if (other !== first) ways.set(other, first)
    }
  }
  const chains = new Map<string, Operation[]>()
  for (const op of ops) {
    const key = head(op.keys[0] ?? '')
    const chain = chains.get(key)
    if (chain === undefined) chains.set(key, [op])
    else chain.push(op)
  }
  return [...chains.values()]
}
