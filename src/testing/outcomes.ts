import { checkOptions, FUNCTION, type OptionTypes, STRING } from '../arguments.ts'
import { isStoreError, textOf } from '../errors.ts'
import type { Store } from '../store.ts'
import { cloneValue } from '../value/copy-value.ts'
import type { CallAttempt, CallRecord, KeyRead, RecordedMethod } from './call-record.ts'
import { recordMutate, recordTransaction, recordUpdater } from './record-attempts.ts'

/** The options of {@link CallHistory}. */
export interface CallHistoryOptions {
  /**
   * The name of the clock. Give two histories the same name only if their `now` can be compared, as
   * those of one process can. Default: a random name.
   */
  readonly clock?: string | undefined
  /** Returns the time of an event; it never goes back. Default: 1, 2, 3... */
  readonly now?: (() => number) | undefined
}

const HISTORY_OPTIONS: OptionTypes = { clock: STRING, now: FUNCTION }

/**
 * Collects the calls of several stores with one clock, so that it is known which call ended before
 * another began.
 *
 * Each page, Worker or process has a history of its own. Put their records into one list to check
 * them: no order is assumed between the calls of different clocks.
 *
 * @throws StoreError `INVALID_VALUE` for wrong options
 *
 * @example
 * const history = new CallHistory()
 * const { store: a } = recordOutcomes(storeA, { client: 'a', history })
 * const { store: b } = recordOutcomes(storeB, { client: 'b', history })
 */
export class CallHistory {
  /** The calls in the order in which they were made. */
  readonly records: CallRecord[] = []
  /** The name of the clock. */
  readonly clock: string
  /** Returns the time of an event. */
  readonly now: () => number

  constructor(options?: CallHistoryOptions) {
    const checked = checkOptions(options, HISTORY_OPTIONS)
    let count = 0
    this.clock = checked.clock ?? Math.random().toString(36).slice(2)
    this.now = checked.now ?? (() => ++count)
  }
}

/** The options of {@link recordOutcomes}. */
export interface RecordOptions {
  /** The name of the client that uses the store, for people. Default: `client`. */
  readonly client?: string | undefined
  /** Where the calls are recorded. Default: a new {@link CallHistory}. */
  readonly history?: CallHistory | undefined
}

const RECORD_OPTIONS: OptionTypes = {
  client: STRING,
  history: ['a CallHistory', (history) => Array.isArray((history as CallHistory | null)?.records)],
}

/** A store whose calls are recorded. */
export interface RecordedStore<T extends object> {
  /** Use it in place of the store: it has the same methods. */
  readonly store: Store<T>
  /** The calls so far, as plain data: those of the whole history. */
  readonly records: readonly CallRecord[]
}

/**
 * Records each call of a store: who made it, its arguments, when it was made and settled, and what
 * became of it. {@link checkHistory} tells whether a correct store can have answered so.
 *
 * The store must have no schema that converts values, since the values given are recorded. `watch`
 * and `close` are not recorded.
 *
 * @param options `client`: a name for the records; `history`: records calls of several stores together
 * @throws StoreError `INVALID_VALUE` for wrong options
 *
 * @example
 * const { store, records } = recordOutcomes(await runtime.open('Karma'))
 * await Promise.all([store.increment('ann'), store.increment('ann')])
 * const contents = new Map<string, unknown>()
 * for await (const [key, value] of store.entries()) contents.set(key, value)
 * assert.deepEqual(checkHistory(records, contents), [])
 */
export function recordOutcomes<T extends object = Record<string, unknown>>(
  store: Store<T>,
  options?: RecordOptions,
): RecordedStore<T> {
  const { client = 'client', history = new CallHistory() } = checkOptions(options, RECORD_OPTIONS)
  const recorder = new Recorder(store as unknown as AnyStore, client, history)
  const recorded = new Proxy(store, {
    get(target, name) {
      const method = name === Symbol.asyncIterator ? 'entries' : name
      if (isListing(method)) return (arg?: unknown) => recorder.list(method, arg)
      if (isCall(method)) return async (...args: unknown[]) => recorder.call(method, args)
      // A store has private fields, so its methods need the store itself as `this`.
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  return { store: recorded, records: history.records }
}

const LISTINGS = ['keys', 'values', 'entries', 'records'] as const
type ListingMethod = (typeof LISTINGS)[number]
type CallMethod = Exclude<RecordedMethod, ListingMethod>
type AnyStore = Record<CallMethod, (...args: readonly unknown[]) => Promise<unknown>> &
  Record<ListingMethod, (options: unknown) => AsyncGenerator<unknown, void, undefined>>

/** Where the keys of a call are: the first argument is a key, a list of keys, a list of entries, or neither. */
const KEYS_OF: Readonly<Record<CallMethod, 'key' | 'keys' | 'entries' | 'none'>> = {
  get: 'key',
  has: 'key',
  record: 'key',
  getMany: 'keys',
  set: 'key',
  delete: 'key',
  setMany: 'entries',
  deleteMany: 'keys',
  insert: 'key',
  getOrInsert: 'key',
  increment: 'key',
  append: 'key',
  touch: 'key',
  pop: 'key',
  update: 'key',
  mutable: 'key',
  transaction: 'keys',
  clear: 'none',
  size: 'none',
}

function isListing(name: string | symbol): name is ListingMethod {
  return (LISTINGS as readonly unknown[]).includes(name)
}

function isCall(name: string | symbol): name is CallMethod {
  return Object.hasOwn(KEYS_OF, name)
}

type DraftRecord = { -readonly [Name in keyof CallRecord]: CallRecord[Name] }

class Recorder {
  readonly #store: AnyStore
  readonly #client: string
  readonly #history: CallHistory

  constructor(store: AnyStore, client: string, history: CallHistory) {
    this.#store = store
    this.#client = client
    this.#history = history
  }

  async call(method: CallMethod, given: readonly unknown[]): Promise<unknown> {
    // An iterable can be read once only.
    const [first, ...rest] = given
    const args = given.length > 0 ? [toList(method, first), ...rest] : []
    const record = this.#begin(method, keysOf(KEYS_OF[method], args[0]), args)
    const attempts: CallAttempt[] = []
    const thrown: unknown[] = []
    if (typeof args[1] === 'function') {
      record.attempts = attempts
      args[1] = wrap(method, args, { attempts, thrown })
    }
    try {
      const result = await this.#store[method](...args)
      record.outcome = 'applied'
      if (method !== 'transaction') record.result = toResult(method, result)
      return result
    } catch (error) {
      this.#reject(record, error, thrown.includes(error))
      throw error
    } finally {
      record.settled = this.#history.now()
    }
  }

  async *list(method: ListingMethod, options: unknown): AsyncGenerator<unknown, void, undefined> {
    const record = this.#begin(method, [], options === undefined ? [] : [options])
    const found: KeyRead[] = []
    if (method !== 'values') record.result = found
    record.isComplete = false
    try {
      for await (const item of this.#store[method](options)) {
        if (method !== 'values') found.push(toRead(method, item))
        yield item
      }
      const { after, limit } = (options ?? {}) as Record<string, unknown>
      record.isComplete = method !== 'values' && after === undefined && limit === undefined
    } catch (error) {
      this.#reject(record, error, false)
      throw error
    } finally {
      // A reader may end the listing early.
      if (record.error === undefined) record.outcome = 'applied'
      record.settled = this.#history.now()
    }
  }

  #begin(method: RecordedMethod, keys: readonly string[], args: readonly unknown[]): DraftRecord {
    const { clock, records } = this.#history
    const called = this.#history.now()
    const copies = args.map((arg) => (typeof arg === 'function' ? null : copy(arg)))
    const base = { client: this.#client, clock, called, method, keys, args: copies }
    const record: DraftRecord = { ...base, outcome: 'unknown' }
    records.push(record)
    return record
  }

  #reject(record: DraftRecord, error: unknown, isOwn: boolean): void {
    record.error = isStoreError(error)
      ? error.toJSON()
      : { name: error instanceof Error ? error.name : typeof error, message: textOf(error) }
    // A call stores nothing if its function throws.
    if (isOwn) record.outcome = 'not-applied'
    else if (isStoreError(error)) record.outcome = error.outcome
  }
}

/** Returns a copy that later changes do not reach; `undefined` for what the store refuses. */
function copy(value: unknown): unknown {
  try {
    return cloneValue(value)
  } catch {
    return undefined
  }
}

function toList(method: CallMethod, argument: unknown): unknown {
  const kind = KEYS_OF[method]
  if (kind !== 'keys' && kind !== 'entries') return argument
  if (typeof argument !== 'object' || argument === null) return argument
  try {
    if (Symbol.iterator in argument) return [...(argument as Iterable<unknown>)]
    return kind === 'entries' ? Object.entries(argument) : argument
  } catch {
    // The store rejects the call.
    return argument
  }
}

function keysOf(kind: 'key' | 'keys' | 'entries' | 'none', argument: unknown): string[] {
  if (kind === 'none') return []
  const list = kind === 'key' ? [argument] : Array.isArray(argument) ? (argument as unknown[]) : []
  const keys = kind === 'entries' ? list.map((entry) => (entry as unknown[] | null)?.[0]) : list
  return [...new Set(keys.filter((key) => typeof key === 'string'))]
}

function wrap(
  method: CallMethod,
  [first, run, options]: readonly unknown[],
  log: { readonly attempts: CallAttempt[]; readonly thrown: unknown[] },
): unknown {
  const recorded = { ...log, copy }
  if (method === 'transaction') return recordTransaction(run as never, { ...recorded, options })
  const recordRun = method === 'update' ? recordUpdater : recordMutate
  return recordRun(first as string, run as never, recorded)
}

function toResult(method: CallMethod, result: unknown): unknown {
  if (method === 'record') return copy((result as { value?: unknown } | undefined)?.value)
  if (method !== 'getMany') return copy(result)
  const found = [...(result as ReadonlyMap<string, unknown>)]
  return found.map(([key, value]): KeyRead => ({ key, value: copy(value) }))
}

function toRead(method: ListingMethod, item: unknown): KeyRead {
  if (method === 'keys') return { key: item as string, exists: true }
  const [key, value] = item as [key: string, value: unknown]
  const read = method === 'records' ? (value as { value: unknown }).value : value
  return { key, value: copy(read) }
}
