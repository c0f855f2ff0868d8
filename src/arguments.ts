import { quote, StoreError, type StoreErrorCode } from './errors.ts'
import { unknownOption } from './name-errors.ts'

/** When a stored value expires. Give one of the two. An option that is `undefined` counts as absent. */
export interface ExpiryOptions {
  /** Time to live, in milliseconds from the call; more than 0. */
  readonly ttl?: number | undefined
  /**
   * Time of expiry, in milliseconds since 1970; `null`: never. A time in the past stores an expired
   * value.
   */
  readonly expires?: number | null | undefined
}

/**
 * The options of a write.
 *
 * @example
 * await store.set('session', { user: 'ann' }, { ttl: 60_000 })
 */
export interface WriteOptions extends ExpiryOptions {
  /**
   * The version of the value, as `StoreRecord.version` shows it: a positive integer. Only for stores
   * that were opened without `version`, to copy entries.
   */
  readonly version?: number | undefined
}

/** The options of an atomic step. Without `ttl` and `expires` an entry keeps its expiry. */
export interface StepOptions extends ExpiryOptions {
  /**
   * Whether `ttl` or `expires` applies only if the step creates the entry. Default: false, and each
   * step sets the expiry.
   */
  readonly onInsert?: boolean | undefined
}

/** The options of `append`. */
export interface AppendOptions extends StepOptions {
  /** The most items to keep, the last ones; a positive integer. Default: all. */
  readonly max?: number | undefined
}

/** The options of `clear`. */
export interface ClearOptions {
  /** Removes only keys that begin with this string. Default: all keys. */
  readonly prefix?: string | undefined
}

/** What an option must be: the words for an error, and the test of an option that is given. */
export type OptionType = readonly [expected: string, accepts: (option: unknown) => boolean]

/** The names that options may have, with their types. */
export type OptionTypes = Readonly<Record<string, OptionType>>

export const BOOLEAN: OptionType = ['true or false', (option) => typeof option === 'boolean']
export const STRING: OptionType = ['a string', (option) => typeof option === 'string']
export const FUNCTION: OptionType = ['a function', (option) => typeof option === 'function']
export const POSITIVE_INTEGER: OptionType = [
  'a positive integer',
  (option) => Number.isSafeInteger(option) && (option as number) > 0,
]
/** A key or its prefix, which the store checks as it checks every key. */
export const KEY: OptionType = ['a key', () => true]
/** Of any realm, or of a polyfill. */
export const SIGNAL: OptionType = [
  'an AbortSignal',
  (signal) => typeof (signal as AbortSignal | null)?.addEventListener === 'function',
]
/** Of an argument, such as the number that `increment` adds. */
export const FINITE_NUMBER: OptionType = [
  'a finite number as its second argument, before the options',
  (argument) => Number.isFinite(argument),
]
export const DURATION: OptionType = [
  'a positive number of milliseconds',
  (option) => Number.isFinite(option) && (option as number) > 0,
]
const TIME: OptionType = [
  'a time in milliseconds since 1970, such as date.getTime(), or null',
  (option) => option === null || Number.isFinite(option),
]

export const EXPIRY_OPTIONS: OptionTypes = { ttl: DURATION, expires: TIME }
export const WRITE_OPTIONS: OptionTypes = {
  ttl: DURATION,
  expires: TIME,
  version: POSITIVE_INTEGER,
}
export const STEP_OPTIONS: OptionTypes = { ttl: DURATION, expires: TIME, onInsert: BOOLEAN }
export const APPEND_OPTIONS: OptionTypes = {
  ttl: DURATION,
  expires: TIME,
  onInsert: BOOLEAN,
  max: POSITIVE_INTEGER,
}
export const KEYS_OPTIONS: OptionTypes = {
  prefix: KEY,
  after: KEY,
  limit: POSITIVE_INTEGER,
  reverse: BOOLEAN,
}
export const CLEAR_OPTIONS: OptionTypes = { prefix: KEY }

/**
 * Copies options, and checks that they are a plain object with known names and fitting types only;
 * `undefined` is no options, and an option that is `undefined` is absent.
 *
 * @param namespace where the options are used, for the error
 * @throws StoreError `INVALID_VALUE`
 */
export function checkOptions<T extends object>(
  options: Partial<T> | undefined,
  types: OptionTypes,
  namespace?: string,
): Partial<T> {
  if (options === undefined) return {}
  if (!isPlainObject(options)) throw invalidOption('', 'a plain object', options, namespace)
  // Reads each option once.
  const copy = readArgument('options must be an object', () => ({ ...options }), namespace)
  for (const [name, option] of Object.entries(copy)) {
    if (!Object.hasOwn(types, name)) {
      const message = unknownOption('options', name, Object.keys(types))
      throw new StoreError('INVALID_VALUE', message, { namespace })
    }
    const [expected, accepts] = types[name] as OptionType
    if (option !== undefined && !accepts(option))
      throw invalidOption(`.${name}`, expected, option, namespace)
  }
  return copy
}

/**
 * Works like {@link checkOptions} for options of which some are required.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function checkRequiredOptions<T extends object>(
  options: T,
  types: OptionTypes,
  required: readonly (keyof T & string)[],
): T {
  const checked = checkOptions<T>(options, types)
  for (const name of required) {
    const [expected] = types[name] as OptionType
    if (checked[name] === undefined) throw invalidOption(`.${name}`, expected, undefined, undefined)
  }
  return checked as T
}

/**
 * Calls `read`, in which code of the caller may throw.
 *
 * @param rule what the argument must be: the begin of a sentence
 * @throws StoreError `INVALID_VALUE`
 */
function readArgument<T>(rule: string, read: () => T, namespace: string | undefined): T {
  try {
    return read()
  } catch (cause) {
    const message = `${rule} that can be read; its own code threw. Pass plain values instead.`
    throw new StoreError('INVALID_VALUE', message, { namespace, cause })
  }
}

/** Creates the error for an option. `path` begins with a dot, or is empty for all options. */
export function invalidOption(
  path: string,
  expected: string,
  received: unknown,
  namespace: string | undefined,
): StoreError {
  return invalid(`options${path} must be ${expected}`, received, namespace)
}

/** @throws StoreError `INVALID_VALUE` unless the argument of a method is of the type */
export function checkArgument(
  method: string,
  argument: unknown,
  [expected, accepts]: OptionType,
  namespace?: string,
): void {
  if (!accepts(argument)) throw invalid(`${method}() needs ${expected}`, argument, namespace)
}

/**
 * Reads a list of keys, each once.
 *
 * @throws StoreError `INVALID_KEY` unless the argument is iterable and no string; `INVALID_VALUE` if
 * its iterator throws
 */
export function toKeys(method: string, argument: unknown, namespace: string): readonly unknown[] {
  if (isObject(argument) && Symbol.iterator in argument)
    return [...new Set(readList(method, argument as Iterable<unknown>, namespace))]
  throw invalid(`${method}() needs a list of keys`, argument, namespace, 'INVALID_KEY')
}

/** Reads an argument whose iterator may throw. @throws StoreError `INVALID_VALUE` */
function readList(method: string, list: Iterable<unknown>, namespace: string): unknown[] {
  return readArgument(`${method}() needs a list`, () => [...list], namespace)
}

/** One entry given to `setMany`. */
type EntryArgument = readonly [key: string, value: unknown, options?: WriteOptions]

/**
 * Iterates the entries given to `setMany`: a plain object, a `Map` or an iterable of entries.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function* toEntries(argument: unknown, namespace: string): Generator<EntryArgument> {
  const isIterable = isObject(argument) && Symbol.iterator in argument
  if (!isIterable && !isPlainObject(argument))
    throw invalid('setMany() needs an object, a Map or [key, value] entries', argument, namespace)
  const list = isIterable ? (argument as Iterable<unknown>) : Object.entries(argument)
  for (const entry of readList('setMany', list, namespace)) {
    if (!isEntry(entry))
      throw invalid('setMany() needs [key, value] entries in a list', entry, namespace)
    yield entry
  }
}

function isEntry(value: unknown): value is EntryArgument {
  return Array.isArray(value) && value.length >= 2 && value.length <= 3
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Tests whether a value is an object of no class, in this realm or another. */
export function isPlainObject(value: unknown): value is object {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** @param rule what the argument must be: a sentence without full stop */
function invalid(
  rule: string,
  received: unknown,
  namespace: string | undefined,
  code: StoreErrorCode = 'INVALID_VALUE',
): StoreError {
  return new StoreError(code, `${rule}; received ${quote(received)}.`, { namespace })
}
