import { StoreError } from './errors.ts'

/** When what is stored expires; without either it stays until it is removed. */
export interface SetOptions {
  /** Time to live, in milliseconds from now. */
  readonly ttl?: number
  /** The time of its expiry, in milliseconds since 1970. What has passed is not there any more. */
  readonly expires?: number
}

/** Goes on at once with what is there at once, so that a synchronous function stays one step. */
export function thenSync<A, B>(value: A | PromiseLike<A>, finish: (value: A) => B): B | Promise<B> {
  return isThenable(value) ? Promise.resolve(value).then(finish) : finish(value)
}

function isThenable<A>(value: A | PromiseLike<A>): value is PromiseLike<A> {
  return isObject(value) && 'then' in value && typeof value.then === 'function'
}

/** @throws StoreError `INVALID_VALUE` */
export function checkFunction(method: string, given: unknown): void {
  if (typeof given !== 'function') throw not(method, 'a function', `a ${typeof given}`)
}

/**
 * What `setMany` was given, as pairs of key and value.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function* toEntries(entries: unknown): Generator<readonly [string, unknown, SetOptions?]> {
  if (!isObject(entries)) throw notPairs(typeof entries)
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

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null
}

/** Is it an object of no class, of this realm or another? */
export function isPlain(given: unknown): boolean {
  if (!isObject(given)) return false
  const prototype: unknown = Object.getPrototypeOf(given)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function notPairs(given: string): StoreError {
  return not('setMany', 'an object, a Map or pairs of key and value', given)
}

function not(method: string, wanted: string, given: string): StoreError {
  return new StoreError('INVALID_VALUE', `${method}() takes ${wanted}; this is ${given}.`)
}
