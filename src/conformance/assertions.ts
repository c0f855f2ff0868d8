import { isStoreError, type StoreError, type StoreErrorCode } from '../errors.ts'

/** Fails a case. */
export function fail(message: string): never {
  throw new Error(message)
}

export function assert(holds: boolean, message: string): void {
  if (!holds) fail(message)
}

/** Are the two the same value, type by type: holes, -0, shared references and cycles too? */
export function assertEqual(actual: unknown, expected: unknown, what = 'the value'): void {
  const difference = compare(actual, expected, '$', new Map())
  if (difference !== undefined) fail(`${what} differs at ${difference}`)
}

/** The promise must reject with a `StoreError` of this code. */
export async function assertRejects(
  promise: Promise<unknown>,
  code: StoreErrorCode,
  what: string,
): Promise<StoreError> {
  try {
    await promise
  } catch (error) {
    if (isStoreError(error) && error.code === code) return error
    return fail(
      `${what} must be ${code}; it was ${isStoreError(error) ? `${error.code}: ${error.message}` : String(error)}`,
    )
  }
  return fail(`${what} must be ${code}; it succeeded`)
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of source) all.push(each)
  return all
}

/** For sorting pairs of key and value. */
export function compareByKey(
  [a]: readonly [string, unknown],
  [b]: readonly [string, unknown],
): number {
  return a < b ? -1 : 1
}

export function sortKeys(keys: Iterable<string>): string[] {
  return [...keys].toSorted((a, b) => (a < b ? -1 : Number(a > b)))
}

function compare(
  actual: unknown,
  expected: unknown,
  path: string,
  met: Map<unknown, unknown>,
): string | undefined {
  if (typeof expected !== 'object' || expected === null) {
    return Object.is(actual, expected)
      ? undefined
      : `${path}: ${show(actual)} is not ${show(expected)}`
  }
  if (met.has(expected))
    return met.get(expected) === actual ? undefined : `${path}: another reference`
  met.set(expected, actual)
  const type = tag(expected)
  // What boxes a primitive has its tag and its prototype.
  if (typeof actual !== 'object' || actual === null) return `${path}: ${show(actual)} is no ${type}`
  if (tag(actual) !== type) return `${path}: ${tag(actual)} is not ${type}`
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected))
    return `${path}: another prototype`
  const inside = parts(expected)
  const found = parts(actual)
  if (inside.length !== found.length) {
    return `${path}: ${outline(found)} is not ${outline(inside)}`
  }
  for (const [i, [name, part]] of inside.entries()) {
    const [otherName, other] = found[i] ?? ['nothing', undefined]
    if (otherName !== name) return `${path}: ${otherName} is not ${name}`
    const difference = compare(other, part, `${path}${name}`, met)
    if (difference !== undefined) return difference
  }
  return undefined
}

// All that makes up an object, in an order that two equal ones share.
function parts(value: object): [string, unknown][] {
  if (value instanceof Date) return [['.time', value.getTime()]]
  if (value instanceof RegExp)
    return [
      ['.source', value.source],
      ['.flags', value.flags],
    ]
  if (value instanceof Map) {
    return [...value].flatMap(([key, item], i): [string, unknown][] => [
      [`<key ${i}>`, key],
      [`<item ${i}>`, item],
    ])
  }
  if (value instanceof Set) return [...value].map((item, i) => [`<item ${i}>`, item])
  if (value instanceof ArrayBuffer) return [['.bytes', new Uint8Array(value).join()]]
  if (ArrayBuffer.isView(value)) {
    // A view is its own bytes; it must not drag along the rest of a buffer.
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return [
      ['.bytes', bytes.join()],
      ['.buffer', value.buffer.byteLength],
    ]
  }
  if (value instanceof Error) {
    const named: [string, unknown][] = [
      ['.name', value.name],
      ['.message', value.message],
    ]
    return Object.hasOwn(value, 'cause') ? [...named, ['.cause', value.cause]] : named
  }
  if (/^(?:String|Number|Boolean|BigInt|Symbol)$/.test(tag(value)))
    return [['.value', value.valueOf()]]
  const own = Object.entries(value).map(([key, item]): [string, unknown] => [
    `[${JSON.stringify(key)}]`,
    item,
  ])
  return Array.isArray(value)
    ? [['.length', value.length], ...own]
    : own.toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** The first parts of an object, on one line. */
function outline(all: readonly [string, unknown][]): string {
  const first = all.slice(0, 6).map(([name, part]) => `${name} ${show(part)}`)
  return `{ ${first.join(', ')}${all.length > 6 ? `, and ${all.length - 6} more` : ''} }`
}

function tag(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

function show(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'object' && value !== null) return tag(value)
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
}
