import { quote, StoreError } from './errors.ts'

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

export const EXPIRY_OPTIONS: readonly string[] = ['ttl', 'expires']
export const WRITE_OPTIONS: readonly string[] = [...EXPIRY_OPTIONS, 'version']
export const STEP_OPTIONS: readonly string[] = [...EXPIRY_OPTIONS, 'onInsert']
export const APPEND_OPTIONS: readonly string[] = [...STEP_OPTIONS, 'max']
export const KEYS_OPTIONS: readonly string[] = ['prefix', 'after', 'limit', 'reverse']
export const CLEAR_OPTIONS: readonly string[] = ['prefix']

/**
 * Checks that options are a plain object with known names only, and copies them; `undefined` is no
 * options.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function checkOptions<T extends object>(
  options: T | undefined,
  names: readonly string[],
): T | undefined {
  if (options === undefined) return undefined
  if (!isPlainObject(options)) throw invalidOption('', 'a plain object', options)
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw new StoreError(
      'INVALID_VALUE',
      `options.${name} is not an option here; the options are ${names.join(', ')}. Correct or remove it.`,
    )
  }
  try {
    return { ...options }
  } catch (cause) {
    const message = 'options must be readable; a getter threw. Pass values instead.'
    throw new StoreError('INVALID_VALUE', message, { cause })
  }
}

/** Creates the error for an option. `path` begins with a dot, or is empty for all options. */
export function invalidOption(path: string, expected: string, received: unknown): StoreError {
  const message = `options${path} must be ${expected}; received ${quote(received)}.`
  return new StoreError('INVALID_VALUE', message)
}

/** @throws StoreError `INVALID_VALUE` unless the option is a positive integer or `undefined` */
export function checkPositiveInteger(path: string, option: number | undefined): void {
  if (option === undefined || (Number.isSafeInteger(option) && option > 0)) return
  throw invalidOption(path, 'a positive integer', option)
}

/** @throws StoreError `INVALID_VALUE` unless the option is a boolean or `undefined` */
export function checkBoolean(path: string, option: boolean | undefined): void {
  if (option !== undefined && typeof option !== 'boolean')
    throw invalidOption(path, 'true or false', option)
}

/** @throws StoreError `INVALID_VALUE` unless the argument is a function */
export function checkFunction(method: string, argument: unknown): void {
  if (typeof argument !== 'function') throw invalid(method, 'a function', quote(argument))
}

/** @throws StoreError `INVALID_VALUE` unless the argument is a finite number */
export function checkFinite(method: string, argument: unknown): void {
  if (!Number.isFinite(argument)) throw invalid(method, 'a finite number', quote(argument))
}

/**
 * Reads a list of keys, each once.
 *
 * @throws StoreError `INVALID_KEY` unless the argument is iterable and no string
 */
export function toKeys(method: string, argument: unknown): readonly unknown[] {
  if (isObject(argument) && Symbol.iterator in argument)
    return [...new Set(argument as Iterable<unknown>)]
  const message = `${method}() needs a list of keys; received ${quote(argument)}.`
  throw new StoreError('INVALID_KEY', message)
}

/** One entry given to `setMany`. */
type EntryArgument = readonly [key: string, value: unknown, options?: WriteOptions]

/**
 * Iterates the entries given to `setMany`: a plain object, a `Map` or an iterable of entries.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function* toEntries(argument: unknown): Generator<EntryArgument> {
  const isIterable = isObject(argument) && Symbol.iterator in argument
  if (!isIterable && !isPlainObject(argument)) throw invalidEntries(quote(argument))
  for (const entry of isIterable ? (argument as Iterable<unknown>) : Object.entries(argument)) {
    if (!isEntry(entry)) throw invalidEntries(`a list with ${quote(entry)}`)
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

function invalidEntries(received: string): StoreError {
  return invalid('setMany', 'an object, a Map or [key, value] entries', received)
}

function invalid(method: string, expected: string, received: string): StoreError {
  return new StoreError('INVALID_VALUE', `${method}() needs ${expected}; received ${received}.`)
}
