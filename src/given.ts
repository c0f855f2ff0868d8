import { StoreError } from './errors.js'

/** When what is stored expires; without either it stays until it is removed. */
export interface SetOptions {
  /** Time to live, in milliseconds from now. */
  readonly ttl?: number
  /** The time of its expiry, in milliseconds since 1970. What has passed is not there any more. */
  readonly expires?: number
}

/** Goes on at once with what is there at once, so that a synchronous function stays one step. */
export function after<A, B>(value: A | PromiseLike<A>, finish: (value: A) => B): B | Promise<B> {
  return isThenable(value) ? Promise.resolve(value).then(finish) : finish(value)
}

function isThenable<A>(value: A | PromiseLike<A>): value is PromiseLike<A> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** @throws StoreError `INVALID_VALUE` */
export function checkFunction(method: string, given: unknown): void {
  if (typeof given === 'function') return
  throw new StoreError('INVALID_VALUE', `${method}() takes a function; this is a ${typeof given}.`)
}

/**
 * What `setMany` was given, as pairs of key and value.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function* pairs(entries: unknown): Generator<readonly [string, unknown, SetOptions?]> {
  if (typeof entries !== 'object' || entries === null) throw notPairs(typeof entries)
  const listed = Symbol.iterator in entries
  if (!listed && !isPlain(entries)) throw notPairs('an instance of a class')
  for (const pair of listed ? (entries as Iterable<unknown>) : Object.entries(entries)) {
    if (!isPair(pair)) throw notPairs('a list of something else')
    yield pair
  }
}

function isPair(given: unknown): given is readonly [string, unknown, SetOptions?] {
  return Array.isArray(given) && given.length >= 2 && given.length <= 3
}

/** Is it an object of no class, of this realm or another? */
export function isPlain(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false
  const prototype: unknown = Object.getPrototypeOf(given)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function notPairs(what: string): StoreError {
  return new StoreError(
    'INVALID_VALUE',
    `setMany() takes an object, a Map or pairs of key and value; this is ${what}.`,
  )
}
