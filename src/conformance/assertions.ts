import { isStoreError, quote, type StoreError, type StoreErrorCode } from '../errors.ts'
import { byCodeUnit } from '../key.ts'

/** Thrown when a rule does not hold. The message names what was expected and what was received. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** @throws AssertionError always */
export function fail(message: string): never {
  throw new AssertionError(message)
}

/** @throws AssertionError with `message` if the condition is false */
export function assert(condition: boolean, message: string): void {
  if (!condition) fail(message)
}

/**
 * Compares two values type by type, including holes, `-0`, shared references and cycles.
 *
 * @param what names the compared value at the beginning of the message
 * @throws AssertionError with the path of the first difference
 */
export function assertEqual(actual: unknown, expected: unknown, what = 'the value'): void {
  const difference = findDifference(actual, expected, '', new Map())
  if (difference === undefined) return
  const { path } = difference
  fail(
    `${what}${path && ` at ${path}`}: expected ${difference.expected}; received ${difference.received}`,
  )
}

/**
 * Resolves to the `StoreError` that the promise rejects with.
 *
 * @throws AssertionError if the promise resolves, or rejects with anything else
 */
export async function assertRejects(
  promise: Promise<unknown>,
  code: StoreErrorCode,
  what: string,
): Promise<StoreError> {
  let received = 'it resolved'
  try {
    await promise
  } catch (error) {
    if (isStoreError(error) && error.code === code) return error
    received = `received ${describeError(error)}`
  }
  return fail(`${what}: expected a StoreError ${code}; ${received}`)
}

/** Returns the code of a `StoreError` or the name of another error, and its message. */
export function describeError(error: unknown): string {
  return isStoreError(error) ? `${error.code}: ${error.message}` : String(error)
}

/** Resolves to an array of what an async iterable yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of source) all.push(each)
  return all
}

/** Returns the keys in the order of their UTF-16 code units. */
export function sortKeys(keys: Iterable<string>): string[] {
  return [...keys].toSorted(byCodeUnit)
}

/** Returns the entries as a map in the order of their keys, so that two listings compare equal. */
export function sortedMap<V>(entries: Iterable<readonly [key: string, value: V]>): Map<string, V> {
  return new Map([...entries].toSorted(([a], [b]) => byCodeUnit(a, b)))
}

/** One component of an object: a property, an item, a length. */
interface Part {
  /** How the part reads in a path, such as `["key"]`. */
  readonly name: string
  readonly value: unknown
}

interface Difference {
  readonly path: string
  readonly expected: string
  readonly received: string
}

function findDifference(
  actual: unknown,
  expected: unknown,
  path: string,
  visited: Map<unknown, unknown>,
): Difference | undefined {
  const differ = (expectedText: string, receivedText: string): Difference => ({
    path,
    expected: expectedText,
    received: receivedText,
  })
  if (typeof expected !== 'object' || expected === null) {
    return Object.is(actual, expected) ? undefined : differ(show(expected), show(actual))
  }
  if (visited.has(expected)) {
    return visited.get(expected) === actual
      ? undefined
      : differ('the same object as where it occurred first', 'another object')
  }
  visited.set(expected, actual)
  const type = tagOf(expected)
  // A boxed primitive has the same tag and prototype as the primitive.
  if (typeof actual !== 'object' || actual === null) return differ(type, show(actual))
  if (tagOf(actual) !== type) return differ(type, tagOf(actual))
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected))
    return differ(`the prototype of ${type}`, 'another prototype')
  const expectedParts = partsOf(expected)
  const actualParts = partsOf(actual)
  if (expectedParts.length !== actualParts.length)
    return differ(summarize(expected, expectedParts), summarize(actual, actualParts))
  for (const [i, part] of expectedParts.entries()) {
    const other = actualParts[i]
    if (other?.name !== part.name) return differ(part.name, other?.name ?? 'nothing')
    const difference = findDifference(other.value, part.value, `${path}${part.name}`, visited)
    if (difference !== undefined) return difference
  }
  return undefined
}

/** Lists the components of an object, in an order that equal objects share. */
function partsOf(value: object): Part[] {
  if (value instanceof Date) return [{ name: '.time', value: value.getTime() }]
  if (value instanceof RegExp) {
    return [
      { name: '.source', value: value.source },
      { name: '.flags', value: value.flags },
    ]
  }
  if (value instanceof Map) {
    return [...value].flatMap(([key, item], i): Part[] => [
      { name: `<key ${i}>`, value: key },
      { name: `<item ${i}>`, value: item },
    ])
  }
  if (value instanceof Set)
    return [...value].map((item, i) => ({ name: `<item ${i}>`, value: item }))
  if (value instanceof ArrayBuffer) return [{ name: '.bytes', value: new Uint8Array(value).join() }]
  if (ArrayBuffer.isView(value)) {
    // A stored view must not bring along the rest of its buffer, so the buffer's length counts too.
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return [
      { name: '.bytes', value: bytes.join() },
      { name: '.buffer', value: value.buffer.byteLength },
    ]
  }
  if (value instanceof Error) {
    const parts: Part[] = [
      { name: '.name', value: value.name },
      { name: '.message', value: value.message },
    ]
    return Object.hasOwn(value, 'cause')
      ? [...parts, { name: '.cause', value: value.cause }]
      : parts
  }
  if (/^(?:String|Number|Boolean|BigInt|Symbol)$/.test(tagOf(value)))
    return [{ name: '.value', value: value.valueOf() }]
  const properties = Object.entries(value).map(([key, item]): Part => ({
    name: `[${JSON.stringify(key)}]`,
    value: item,
  }))
  return Array.isArray(value)
    ? [{ name: '.length', value: value.length }, ...properties]
    : properties.toSorted((a, b) => byCodeUnit(a.name, b.name))
}

/** Returns the first parts of an object, on one line. */
function summarize(value: object, parts: readonly Part[]): string {
  const isArray = Array.isArray(value)
  const shown = parts.filter(({ name }) => !isArray || name !== '.length')
  const first = shown
    .slice(0, 6)
    .map((part) => (isArray ? show(part.value) : `${part.name} ${show(part.value)}`))
  const rest = shown.length > 6 ? [`and ${shown.length - 6} more`] : []
  const items = [...first, ...rest].join(', ')
  return isArray ? `[${items}]` : `{ ${items} }`
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** Formats a value like `quote`, but exactly: `-0`, bigints, and the length of a cut string. */
function show(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'object' && value !== null) return tagOf(value)
  const isCut = typeof value === 'string' && value.length > 60
  return isCut ? `${quote(value)} (${value.length} characters)` : quote(value)
}
