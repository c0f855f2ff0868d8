// An operation is one call that the queue has accepted, with the promise of its caller. Operations
// of a batch that share keys, directly or through other operations, form a group.

import { noop } from '../async.ts'
import type { Entry } from '../entry.ts'
import type { Change, StepChange } from '../storage.ts'
import { releaseTurn, type Turn } from '../turns.ts'
import { recopy } from '../value/copy-value.ts'

/** The live entries of an operation's keys, in the order of the keys; `undefined` for none. */
export type Entries = readonly (Entry | undefined)[]

/** What an updater decided: changes of its keys, and the result for its caller. */
export interface Decision<T = unknown> {
  /** At least one, at most one per key, and without `ifVersion`; absent if nothing changes. */
  readonly changes?: readonly Change[] | undefined
  readonly result: T
  /** Whether `result` is a value in `changes`. Its caller must not share it with the storage. */
  readonly isStored?: boolean | undefined
}

/**
 * Returns the result of a decision for its caller.
 *
 * @param copiesValues whether the storage refers to no value in the changes once they are stored
 */
export function resultOf<T>({ result, isStored }: Decision<T>, copiesValues: boolean): T {
  return isStored && !copiesValues ? (recopy(result) as T) : result
}

/** Decides, given private copies of entries. A new run may begin while an older one is pending. */
export type EntryUpdater<T = unknown> = (entries: Entries) => Decision<T> | Promise<Decision<T>>

/** A run of an updater that has not decided yet, and the entries that it received. */
export interface StartedUpdate {
  readonly entries: Entries
  readonly promise: Promise<Decision>
}

export type Operations = readonly Operation[]

/**
 * A write has `changes`, an update has an `updater`, and a read has neither and one key. A step is an
 * update that is also described as data.
 */
export class Operation {
  readonly keys: readonly string[]
  readonly changes: readonly Change[] | undefined
  readonly updater: EntryUpdater | undefined
  readonly step: StepChange | undefined
  readonly promise: Promise<unknown>
  resolve: (value?: unknown) => void = noop
  reject: (error: unknown) => void = noop
  /** How many attempts met a change of the key. */
  conflicts = 0
  /** In how many of these the lease of its turn had ended. */
  lapsedTurns = 0
  /** Whether its updater has returned a promise. */
  isAsync = false
  /** How long its updater took last, in milliseconds, if it was detached. */
  updaterMs = 0
  /** Its turn on its keys, if it has one. */
  turn: Turn | undefined
  /** The first run of its updater, if it began before the batch. */
  started: StartedUpdate | undefined
  /** Set once a detached updater has decided: the operation is then a compare-and-set. */
  decided: { readonly entries: Entries; readonly decision: Decision } | undefined
  /** What the last replay computed. The promise settles with it after the commit. */
  result: unknown
  /** Whether `result` is what the updater threw. */
  hasThrown = false

  constructor(
    keys: readonly string[],
    { changes, updater, step }: Partial<Pick<Operation, 'changes' | 'updater' | 'step'>> = {},
  ) {
    this.keys = keys
    this.changes = changes
    this.updater = updater
    this.step = step
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** Whether it needs the stored entries. A commit checks those that were decided upon. */
  get needsRead(): boolean {
    return !this.changes && !this.decided
  }

  /** Keeps a turn until the operation settles or loses a race. */
  keepTurn(turn: Turn): void {
    this.turn = turn
    const release = (): void => releaseTurn(turn)
    this.promise.then(release, release)
  }

  /** Resolves with the result of the last replay, or rejects with what the updater threw. */
  settle(): void {
    if (this.hasThrown) this.reject(this.result)
    else this.resolve(this.result)
  }
}

/**
 * Splits the operations of a group so that each with an async updater is alone, in program order.
 * Such an updater may await a write of a key that another operation of its group has read.
 */
export function splitAtAsync(operations: Operations): Operations[] {
  const parts: Operation[][] = []
  let last: Operation[] | undefined
  for (const operation of operations) {
    if (!last || operation.isAsync) parts.push((last = []))
    last.push(operation)
    if (operation.isAsync) last = undefined
  }
  return parts
}

/** Splits operations into groups that share no key, each in program order (union-find by key). */
export function groupByKey(operations: Operations): Operation[][] {
  const parents = new Map<string, string>()
  const rootOf = (key: string): string => {
    for (let root = key; ;) {
      const parent = parents.get(root)
      if (parent === undefined) return root
      // Path halving: without it, 100,000 operations that share keys one by one take minutes.
      parents.set(root, parents.get(parent) ?? parent)
      root = parent
    }
  }
  for (const { keys } of operations) {
    if (keys.length === 1) continue
    const root = rootOf(keys[0] ?? '')
    for (const key of keys) {
      const other = rootOf(key)
      if (other !== root) parents.set(other, root)
    }
  }
  const groups = new Map<string, Operation[]>()
  for (const operation of operations) {
    const root = rootOf(operation.keys[0] ?? '')
    const group = groups.get(root)
    if (!group) groups.set(root, [operation])
    else group.push(operation)
  }
  return [...groups.values()]
}
