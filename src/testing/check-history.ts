import { checkOptions, type OptionTypes, POSITIVE_INTEGER } from '../arguments.ts'
import { quote, StoreError } from '../errors.ts'
import type { Traits } from '../storage.ts'
import type { CallRecord, KeyRead } from './call-record.ts'
import { type Effect, type EffectContext, effectsOf } from './call-effects.ts'
import { describeCall, showStates } from './describe-call.ts'
import { readValue, textOfValue, toKeyState } from './key-effect.ts'
import { linearize, type SearchResult } from './linearize.ts'

const MAX_SHOWN_CALLS = 3

/** Keys with their values: a `Map` or another iterable of entries. */
export type Contents = Iterable<readonly [key: string, value: unknown]>

/** The options of {@link checkHistory}. */
export interface CheckHistoryOptions {
  /** What was stored before the first call. Default: nothing. */
  readonly initial?: Contents | undefined
  /**
   * The traits of the store. Where `atomic` is `none`, `setMany` and `deleteMany` may be applied in
   * part. Default: they are atomic.
   */
  readonly traits?: Traits | undefined
  /**
   * The most states to try for a key, or for keys that are written together; each takes about 100
   * bytes. Default: 1,000,000
   */
  readonly maxStates?: number | undefined
}

const ENTRIES = 'a Map or [key, value] entries'

const CHECK_OPTIONS: OptionTypes = {
  initial: [ENTRIES, isIterable],
  traits: ['the traits of a store', (option) => typeof option === 'object' && option !== null],
  maxStates: POSITIVE_INTEGER,
}

/** Why a history is not that of a correct store. */
export interface HistoryViolation {
  /**
   * `impossible`: no order of the calls on a key explains their results and the contents. `torn`: each
   * key can be explained, but not the calls that use several keys at once. `duplicate`: a listing has
   * a key twice. `undecided`: the search ended at `maxStates`, and the history may be correct.
   */
  readonly kind: 'impossible' | 'torn' | 'duplicate' | 'undecided'
  readonly keys: readonly string[]
  /** The calls of which at least one cannot be explained; none if it is the contents. */
  readonly records: readonly CallRecord[]
  /** What happened, in one sentence. */
  readonly message: string
}

/**
 * Checks whether a correct store can have answered the calls of a history so: each call takes effect
 * at one time between its call and its end (linearizability). What resolved is applied; what was
 * rejected as `not-applied` is not; what has an `unknown` outcome, or is pending, may be applied at
 * any time after its call, or not at all. The functions of `update`, `mutable` and `transaction` read
 * what they replaced.
 *
 * Calls of one clock that do not overlap are in order. `setMany`, `deleteMany` and `transaction` take
 * effect on all their keys at once; `getMany`, `clear` and listings on each key for itself. A value
 * with an expiry may be missing at any time. `size`, and the values of `values()`, are not checked.
 *
 * The stores must be the only writers of their namespace, and be strongly consistent
 * (`traits.consistency`).
 *
 * @param records the calls of all clients, in any order
 * @param contents all entries of the namespace after the last call
 * @returns what cannot be explained; an empty list if the history is possible
 * @throws StoreError `INVALID_VALUE` for wrong options, records or contents
 *
 * @example
 * const contents = new Map<string, unknown>()
 * for await (const [key, value] of store.entries()) contents.set(key, value)
 * for (const { message } of checkHistory(records, contents)) console.error(message)
 */
export function checkHistory(
  records: Iterable<CallRecord>,
  contents: Contents,
  options?: CheckHistoryOptions,
): HistoryViolation[] {
  const checked = checkOptions(options, CHECK_OPTIONS)
  const calls = toList('checkHistory() needs a list of records', records, isRecord)
  const entries = toList(`checkHistory() needs ${ENTRIES} as contents`, contents, isEntry)
  const initial = toList(`options.initial must be ${ENTRIES}`, checked.initial ?? [], isEntry)
  return new HistoryCheck(calls, new Map(entries), { ...checked, initial }).run()
}

/**
 * @param rule what the list must be: the begin of a sentence
 * @throws StoreError `INVALID_VALUE`
 */
function toList<T>(
  rule: string,
  argument: Iterable<T>,
  accepts: (item: unknown) => boolean,
): readonly T[] {
  const list = isIterable(argument) ? [...argument] : undefined
  const wrong = list?.findIndex((item) => !accepts(item))
  if (list && wrong === -1) return list
  const received = list ? `a list with ${quote(list[wrong ?? 0])}` : quote(argument)
  const advice =
    accepts === isEntry
      ? 'Collect the entries of the store first.'
      : 'Pass the records of recordOutcomes() or of a CallHistory.'
  throw new StoreError('INVALID_VALUE', `${rule}; received ${received}. ${advice}`)
}

function isIterable(value: unknown): boolean {
  return typeof value !== 'string' && Symbol.iterator in Object(value)
}

function isEntry(item: unknown): boolean {
  return Array.isArray(item) && item.length >= 2
}

function isRecord(item: unknown): boolean {
  const { method, keys, args } = Object(item) as Partial<CallRecord>
  return typeof method === 'string' && Array.isArray(keys) && Array.isArray(args)
}

class HistoryCheck {
  readonly #records: readonly CallRecord[]
  readonly #contents: ReadonlyMap<string, unknown>
  readonly #initial: ReadonlyMap<string, unknown>
  readonly #maxStates: number
  readonly #keys: readonly string[]
  readonly #effects: readonly Effect[]
  readonly #effectsByKey = new Map<string, Set<Effect>>()

  constructor(
    records: readonly CallRecord[],
    contents: ReadonlyMap<string, unknown>,
    { initial = [], traits, maxStates = 1_000_000 }: CheckHistoryOptions,
  ) {
    this.#records = records
    this.#contents = contents
    this.#initial = new Map(initial)
    this.#maxStates = maxStates
    const keys = new Set([...this.#initial.keys(), ...contents.keys()])
    for (const record of records) {
      for (const key of record.keys) keys.add(key)
      if (record.isComplete !== undefined) for (const key of listedKeys(record)) keys.add(key)
    }
    this.#keys = [...keys]
    const context: EffectContext = { keys: this.#keys, hasGroups: traits?.atomic !== 'none' }
    this.#effects = records.flatMap((record) => effectsOf(record, context))
    for (const key of this.#keys) this.#effectsByKey.set(key, new Set())
    for (const effect of this.#effects) {
      for (const { key } of effect.choices.flat()) this.#effectsByKey.get(key)?.add(effect)
    }
  }

  run(): HistoryViolation[] {
    const violations = this.#duplicates()
    const decided = new Set<string>()
    for (const key of this.#keys) {
      const result = this.#search([key])
      if (result.outcome === 'possible') decided.add(key)
      else violations.push(this.#violation([key], result))
    }
    for (const keys of this.#components()) {
      // The sum of what is wrong with one key says nothing new.
      if (!keys.every((key) => decided.has(key))) continue
      const result = this.#search(keys)
      if (result.outcome !== 'possible') violations.push(this.#violation(keys, result))
    }
    return violations
  }

  #search(keys: readonly string[]): SearchResult {
    return linearize({
      effects: [...new Set(keys.flatMap((key) => [...(this.#effectsByKey.get(key) ?? [])]))],
      keys,
      initial: keys.map((key) => {
        return this.#initial.has(key) ? toKeyState(this.#initial.get(key)) : undefined
      }),
      contents: keys.map((key) => readValue(key, this.#contents.get(key))),
      maxStates: this.#maxStates,
    })
  }

  /** Returns the sets of keys that calls use together. */
  #components(): string[][] {
    const parents = new Map<string, string>()
    const rootOf = (key: string): string => {
      const parent = parents.get(key) ?? key
      return parent === key ? key : rootOf(parent)
    }
    const grouped = new Set<string>()
    for (const { choices } of this.#effects) {
      for (const choice of choices) {
        if (choice.length < 2) continue
        const [first = '', ...others] = choice.map(({ key }) => key)
        grouped.add(first)
        for (const key of others) {
          grouped.add(key)
          parents.set(rootOf(key), rootOf(first))
        }
      }
    }
    const components = new Map<string, string[]>()
    for (const key of grouped) {
      const root = rootOf(key)
      components.set(root, [...(components.get(root) ?? []), key])
    }
    return [...components.values()]
  }

  #duplicates(): HistoryViolation[] {
    return this.#records.flatMap((record) => {
      if (record.isComplete === undefined) return []
      const listed = listedKeys(record)
      const seen = new Set<string>()
      const keys = listed.filter((key) => seen.size === seen.add(key).size)
      if (keys.length === 0) return []
      const message = `${describeCall(record)} listed ${keys.map(quote).join(', ')} more than once.`
      return [{ kind: 'duplicate' as const, keys, records: [record], message }]
    })
  }

  #violation(
    keys: readonly string[],
    result: Exclude<SearchResult, { readonly outcome: 'possible' }>,
  ): HistoryViolation {
    if (result.outcome !== 'impossible') {
      const message = `${keys.map(quote).join(', ')}: undecided after ${this.#maxStates} states; use fewer calls at once, or a larger maxStates.`
      return { kind: 'undecided', keys, records: [], message }
    }
    const stuck = [...new Set(result.stuck.map(({ record }) => record))]
    const found =
      stuck.length > 0
        ? stuck.slice(0, MAX_SHOWN_CALLS).map(describeCall).join('; ')
        : `at the end there is ${this.#show(keys, (key) => this.#contents.get(key))}`
    const possible = result.states.map((values) =>
      this.#show(keys, (key) => values[keys.indexOf(key)]?.value),
    )
    const message = `${found}; a correct store then has ${[...new Set(possible)].join(', or ')}.`
    const kind = keys.length > 1 ? 'torn' : 'impossible'
    return { kind, keys, records: stuck, message: message + this.#hint(keys, stuck) }
  }

  #show(keys: readonly string[], valueOf: (key: string) => unknown): string {
    return showStates(keys.map((key) => ({ key, value: valueOf(key) })))
  }

  /** Names a rejected call that wrote what was found. */
  #hint([key = '', ...others]: readonly string[], stuck: readonly CallRecord[]): string {
    const [first] = stuck
    const value = first ? readBy(first, key) : this.#contents.get(key)
    if (others.length > 0 || value === undefined) return ''
    const text = textOfValue(value)
    const wrote = (record: CallRecord): boolean =>
      writtenBy(record, key).some((each) => textOfValue(each) === text)
    const rejected = this.#records.find(
      (record) => record.outcome === 'not-applied' && wrote(record),
    )
    return rejected ? ` It was written by ${describeCall(rejected)}.` : ''
  }
}

function listedKeys({ result }: CallRecord): string[] {
  return ((result ?? []) as readonly KeyRead[]).map(({ key }) => key)
}

/** Returns the value of a key that a call read; `undefined` if it read none. */
function readBy({ attempts, keys, result }: CallRecord, key: string): unknown {
  const reads =
    attempts?.at(-1)?.reads ?? (Array.isArray(result) ? (result as readonly KeyRead[]) : [])
  return reads.find((read) => read?.key === key)?.value ?? (keys.length === 1 ? result : undefined)
}

/** Returns the values that a call would write to a key. */
function writtenBy({ args, attempts, method }: CallRecord, key: string): unknown[] {
  if (method === 'setMany') {
    const entries = args[0] as readonly (readonly [string, unknown])[]
    return entries.filter(([name]) => name === key).map(([, value]) => value)
  }
  if (attempts) {
    const writes = attempts.flatMap((attempt) => attempt.writes)
    return writes.filter((write) => write.key === key).map(({ value }) => value)
  }
  return args[0] === key ? [args[1]] : []
}
