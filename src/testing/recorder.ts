import { isStoreError, textOf } from '../errors.ts'
import { cloneValue } from '../value/copy-value.ts'
import type { CallHistory } from './call-history.ts'
import type { CallAttempt, CallRecord, KeyRead, RecordedMethod } from './call-record.ts'
import { recordMutate, recordTransaction, recordUpdater } from './record-attempts.ts'

const LISTINGS = ['keys', 'values', 'entries', 'records'] as const
type ListingMethod = (typeof LISTINGS)[number]
type CallMethod = Exclude<RecordedMethod, ListingMethod>
/** A store whose methods take any arguments. */
export type AnyStore = Record<CallMethod, (...args: readonly unknown[]) => Promise<unknown>> &
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

export function isListing(name: string | symbol): name is ListingMethod {
  return (LISTINGS as readonly unknown[]).includes(name)
}

/** Tests whether a value is the name of a method whose calls are recorded. */
export function isRecordedMethod(name: unknown): name is RecordedMethod {
  return typeof name === 'string' && (isListing(name) || isCall(name))
}

export function isCall(name: string | symbol): name is CallMethod {
  return Object.hasOwn(KEYS_OF, name)
}

type DraftRecord = { -readonly [Name in keyof CallRecord]: CallRecord[Name] }

/** Records the calls of one client. */
export class Recorder {
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
