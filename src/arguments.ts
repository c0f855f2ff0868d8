import { quote, StoreError } from './errors.ts'

/** When a stored value expires. Give one of the two; without either the value never expires. */
export interface SetOptions {
  /** Time to live, in milliseconds from now; more than 0. */
  readonly ttl?: number
  /** Time of expiry, in milliseconds since 1970. A time in the past stores an expired value. */
  readonly expires?: number
}

/** @throws StoreError `INVALID_VALUE` unless the argument is a function */
export function checkFunction(method: string, argument: unknown): void {
  if (typeof argument !== 'function') throw invalid(method, 'a function', quote(argument))
}

/** One entry given to `setMany`. */
type EntryArgument = readonly [key: string, value: unknown, options?: SetOptions]

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
