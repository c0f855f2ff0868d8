import type { Value } from './content.ts'

export type { Value } from './content.ts'

/** Operations that call one function in a loop: they need no database. */
export type FunctionOperation =
  | 'copy-measured'
  | 'copy-unmeasured'
  | 'copy-out'
  | 'encode'
  | 'decode'

/** Work that is measured, the same for every candidate. */
export interface Task {
  readonly op:
    | 'set'
    | 'get'
    | 'update'
    | 'increment'
    | 'handlers'
    | 'keys'
    | 'entries'
    | 'clear'
    | 'open'
    | FunctionOperation
    | 'bundle'
  /** The number of operations; for `keys`, `entries` and `clear` the number of keys. */
  readonly count: number
  /** Whether each operation is awaited before the next begins. Otherwise all begin at once. */
  readonly awaited?: boolean
  /** How many operations begin at once. Default: all. */
  readonly batch?: number
  /** The number of different keys. Default: one per operation. */
  readonly keys?: number
  /** The number of keys that are stored before the task. Default: those that the task uses. */
  readonly stored?: number
  /** The size of a value as text, in bytes. Default: 200. */
  readonly bytes?: number
  /** How often a sample runs the task; its time is the median of these runs. Default: 1. */
  readonly repeat?: number
  /** Whether each operation runs in a request of its own, as from as many clients. */
  readonly hasClients?: boolean
  /** The time that is added to each call to an object, as by a network, in milliseconds. */
  readonly latencyMs?: number
  /** How long an updater takes, in milliseconds. Default: it is synchronous. */
  readonly updaterMs?: number
}

export type Entries = readonly (readonly [key: string, value: Value])[]
export type Updater = (value: Value) => Value
export type SlowUpdater = (value: Value) => Promise<Value>

/**
 * An open database of a candidate. A candidate leaves out what it cannot do. For operations that
 * begin at once, `setAll`, `getAll` and `updateAll` take precedence over calls per key.
 */
export interface Database {
  readonly set?: (key: string, value: Value) => Promise<unknown>
  readonly get?: (key: string) => Promise<unknown>
  /** Reads, changes and writes a value, in one atomic step where the candidate has one. */
  readonly update?: (key: string, updater: Updater) => Promise<unknown>
  /** Adds 1 to a number in one atomic step, and resolves to the sum. */
  readonly increment?: (key: string) => Promise<number>
  /** Works like `update` with an updater that takes time. */
  readonly updateSlowly?: (key: string, updater: SlowUpdater) => Promise<unknown>
  /** Makes calls one after another: the lower bound for clients that take turns. */
  readonly callInSequence?: (count: number) => Promise<void>
  readonly setAll?: (entries: Entries) => Promise<unknown>
  /** Resolves to the values in the order of the keys. */
  readonly getAll?: (keys: readonly string[]) => Promise<readonly unknown[]>
  /** Updates the value of each key; a key that occurs twice is updated twice. */
  readonly updateAll?: (keys: readonly string[], updater: Updater) => Promise<unknown>
  readonly keys?: () => Promise<readonly string[]>
  readonly entries?: () => Promise<readonly (readonly [key: string, value: unknown])[]>
  readonly clear?: () => Promise<unknown>
  /** Writes up to 1000 entries, in one transaction where possible. Never measured. */
  readonly fill?: (entries: Entries) => Promise<unknown>
  readonly close?: () => Promise<void>
}

/** The result of running a task. */
export interface Sample {
  /** The time of one run, in milliseconds. */
  readonly ms: number
  /** Calls to the platform by kind: transactions, calls of a binding, messages to an object. */
  readonly calls?: Readonly<Record<string, number>>
  /** How many of these calls each client makes. */
  readonly callsPerClient?: { readonly max: number; readonly mean: number }
  /** The number of updates that rejected with `CONFLICT`. */
  readonly conflicts?: number
  /** The number of updates that were lost. */
  readonly lost?: number
  /** The size of a bundle. */
  readonly bytes?: number
}

/** Returns how many keys must be stored before a task begins. */
export function storedBefore({ op, count, keys = count, stored }: Task): number {
  if (isFunctionOperation(op) || op === 'open' || op === 'bundle') return 0
  return stored ?? (op === 'handlers' ? 2 * count : keys)
}

/** Returns whether a task calls one function, and needs no database. */
export function isFunctionOperation(op: Task['op']): op is FunctionOperation {
  return op === 'encode' || op === 'decode' || op.startsWith('copy-')
}

/** Returns a key; the order of the keys is the order of their indexes. */
export function keyOf(index: number): string {
  return `key-${String(index).padStart(6, '0')}`
}

/** The updater of every `update` task. */
export function addOne(value: Value): Value {
  return { ...value, karma: value.karma + 1 }
}

/** Writes entries with one call each, all at once. */
export async function setEach(db: Database, entries: Entries): Promise<void> {
  const set = required(db.set)
  await Promise.all(entries.map(([key, value]) => set(key, value)))
}

/** Reads values in the order of the keys. */
export async function readAll(db: Database, keys: readonly string[]): Promise<readonly unknown[]> {
  if (db.getAll) return db.getAll(keys)
  const get = required(db.get)
  return Promise.all(keys.map((key) => get(key)))
}

/** @throws Error if the candidate leaves out a method that the task needs */
export function required<Method>(method: Method | undefined): Method {
  if (method === undefined)
    throw new Error('The candidate lacks a method that this workload needs.')
  return method
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (itemAt(sorted, Math.floor(middle)) + itemAt(sorted, Math.ceil(middle))) / 2
}

/** @throws RangeError if the list is shorter */
export function itemAt<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined)
    throw new RangeError(`Expected an item at ${index} of ${list.length} items.`)
  return item
}
