import {
  builtInName,
  describeObject,
  ERROR_CLASSES,
  ERROR_PROPERTY,
  type ViewConstructor,
} from './built-in.ts'
import {
  assertNoOwnProperties,
  type CopyContext,
  countBytes,
  countText,
  createContext,
  findCopy,
  indexesOf,
  MAX_DEPTH,
  ownKeys,
  type PathStep,
  rememberCopy,
  throwInvalid,
  toCopyError,
} from './copy-context.ts'
import { quote } from '../errors.ts'

/** A private copy of a value, with its size. */
export interface MeasuredCopy {
  readonly value: unknown
  /**
   * At least the size of the value as V8 13.6 serializes its structured clone, plus `keyBytes`, in
   * bytes. A Latin-1 string counts one byte per character, any other string two; up to a thousandth
   * of `maxBytes`, every string counts two.
   */
  readonly bytes: number
}

/** What limits a copy. */
interface CopyLimits {
  /**
   * The largest size of the value together with its key, in bytes. Default: no limit. `Infinity` is
   * no limit either, and every string counts two bytes per character.
   */
  readonly maxBytes?: number | undefined
  /** The size of the key, in bytes. Default 0. */
  readonly keyBytes?: number | undefined
}

/**
 * The longest bigint, in bits. Parsing and formatting digits takes more than linear time, and
 * Firefox 140 and WebKitGTK 2.50 support no bigint of more than 2^20 bits.
 */
export const MAX_BIGINT_BITS: number = 2 ** 18
const BIGINT_END = 2n ** BigInt(MAX_BIGINT_BITS)

/**
 * Checks, copies and measures a value in one context.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what cannot be stored; `TOO_LARGE` as soon
 * as the measured size passes `maxBytes`
 */
export function copyValue(
  value: unknown,
  { maxBytes, keyBytes = 0 }: CopyLimits = {},
): MeasuredCopy {
  const context = createContext(true, MAX_DEPTH, maxBytes, (maxBytes ?? 0) / 1000, keyBytes)
  return { value: copyRoot(value, context), bytes: context.bytes }
}

/**
 * Checks and copies a value without measuring it. Measuring a bigint scans it at every reference:
 * a list with a thousand references to one takes a thousand times as long.
 *
 * @param maxDepth the deepest nesting. Default `MAX_DEPTH`
 * @throws StoreError `INVALID_VALUE` with the path of what cannot be stored
 */
export function cloneValue(value: unknown, maxDepth?: number): unknown {
  return copyRoot(value, createContext(true, maxDepth))
}

/** Copies a result of `copyValue` or `cloneValue`, or `undefined`, without checking it again. */
export function recopy(copied: unknown): unknown {
  return recopyPart(copied, createContext(false, Infinity))
}

function recopyPart(value: unknown, context: CopyContext): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = findCopy(value, context)
  if (known) return known
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) {
    const copy = rememberCopy<Record<string, unknown>>(value, { ...value }, context)
    // V8 13.6 reads the properties of a `for in` faster than those of a list of keys.
    for (const key in copy) {
      const item = copy[key]
      if (typeof item === 'object' && Object.hasOwn(copy, key))
        copy[key] = recopyPart(item, context)
    }
    return copy
  }
  if (prototype === Array.prototype && !(value as unknown[]).includes(undefined)) {
    const copy = rememberCopy(value, [...(value as unknown[])], context)
    for (let i = 0; i < copy.length; i++) {
      const item = copy[i]
      if (typeof item === 'object') copy[i] = recopyPart(item, context)
    }
    return copy
  }
  if (prototype === Date.prototype)
    return rememberCopy(value, new Date((value as Date).getTime()), context)
  return copyNew(value, context)
}

/** Returns the length of a well-formed string in UTF-8, in bytes. */
export function utf8Bytes(text: string): number {
  // Most keys are plain ASCII, and TextEncoder is slow for short strings.
  return /[^\x20-\x7e]/.test(text) ? new TextEncoder().encode(text).length : text.length
}

function copyRoot(value: unknown, context: CopyContext): unknown {
  try {
    if (value === undefined) throwInvalid('is undefined; use delete() to remove a key', context)
    return copyPart(value, context)
  } catch (cause) {
    throw toCopyError(cause, context)
  }
}

function copyPart(value: unknown, context: CopyContext): unknown {
  if (!context.shouldCheck) return recopyPart(value, context)
  if (typeof value === 'object' && value !== null) return copyObject(value, context)
  checkPrimitive(value, context)
  return value
}

/** Checks and measures a value that needs no copy. */
function checkPrimitive(value: unknown, context: CopyContext): void {
  switch (typeof value) {
    case 'string':
      countText(value, context)
      break
    case 'bigint':
      if ((value < 0n ? -value : value) >= BIGINT_END)
        throwInvalid(`is a bigint of more than ${MAX_BIGINT_BITS} bits`, context)
      if (context.bytes >= 0) countBytes(16 + value.toString(16).length / 2, context)
      break
    case 'function':
    case 'symbol':
      throwInvalid(`is a ${typeof value}`, context)
      break
    default:
      countBytes(typeof value === 'number' ? 9 : 1, context)
  }
}

function copyObject(value: object, context: CopyContext): unknown {
  const known = findCopy(value, context)
  if (known) {
    // V8 13.6 serializes an error that is its own cause, but cannot read it back.
    if (known === value) throwInvalid('is an error within its own cause', context)
    countBytes(6, context)
    return known
  }
  if (context.depth >= context.maxDepth)
    throwInvalid(`nests more than ${context.maxDepth} levels deep`, context)
  countBytes(16, context)
  context.depth++
  const copy = copyNew(value, context)
  context.depth--
  return copy
}

function copyNew(value: object, context: CopyContext): unknown {
  // The most frequent classes, without their names.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return copyPlain(value as Record<string, unknown>, context)
  if (prototype === Array.prototype) return copyArray(value as unknown[], context)
  if (prototype === Date.prototype) return copyDate(value as Date, context)
  const name = builtInName(value) ?? ''
  const copy = COPIERS[name]
  if (copy) return copy(value as never, context)
  if (ArrayBuffer.isView(value)) return copyView(value, name, context)
  if (name in ERROR_CLASSES) return copyError(value as Error, name, context)
  return throwInvalid(`is ${describeObject(value, name)}`, context)
}

function copyPlain(value: Record<string, unknown>, context: CopyContext): unknown {
  const keys = Object.keys(value)
  // V8 13.6 runs these two calls faster than one of Reflect.ownKeys.
  if (Object.getOwnPropertySymbols(value).length > 0 && typeof ownKeys(value).at(-1) === 'symbol')
    throwInvalid('has a symbol key', context)
  if (Object.getOwnPropertyNames(value).length > keys.length)
    throwInvalid('has a property that is not enumerable', context)
  const copy = rememberCopy<Record<string, unknown>>(value, {}, context)
  for (const key of keys) {
    if (key === '__proto__') throwInvalid('has an own property "__proto__"', context)
    countText(key, context)
    copy[key] = copyAt(value, key, context)
  }
  return copy
}

// Arrays up to this length are never made sparse: their holes take little memory.
const MAX_DENSE_LENGTH = 64

function copyArray(value: unknown[], context: CopyContext): unknown {
  const { length } = value
  // A reader of the value allocates every element and hole. Check the length before listing the
  // keys, of which there may be many.
  countBytes(length, context)
  const indexes = indexesOf(value, context)
  const count = indexes?.length ?? length
  countBytes(6 * count, context)
  const copy = rememberCopy<unknown[]>(value, [], context)
  // V8 13.6 allocates millions of holes, but not in an array that once had a far element.
  if (length > MAX_DENSE_LENGTH + 4 * count) {
    copy[2 ** 32 - 2] = 0
    Reflect.deleteProperty(copy, 2 ** 32 - 2)
  }
  for (let i = 0; i < count; i++) {
    const index = indexes ? Number(indexes[i]) : i
    copy[index] = copyAt(value, index, context)
  }
  // V8 13.6 is slow to assign `length` even where it does not change.
  if (copy.length !== length) copy.length = length
  return copy
}

function copyDate(value: Date, context: CopyContext): Date {
  assertNoOwnProperties(value, context)
  return rememberCopy(value, new Date(value.getTime()), context)
}

/** The copy function of each class, by its name; errors and views have functions of their own. */
const COPIERS: Readonly<Record<string, (value: never, context: CopyContext) => unknown>> = {
  Object: copyPlain,
  Array: copyArray,
  Date: copyDate,
  Map: (value: Map<unknown, unknown>, context) => {
    assertNoOwnProperties(value, context)
    const copy = rememberCopy(value, new Map<unknown, unknown>(), context)
    let index = 0
    const nth = (): string => `<key ${index}>`
    for (const pair of value) {
      const [key] = pair
      const name = (): string => `.get(${typeof key === 'string' ? quote(key) : nth()})`
      copy.set(copyAt(pair, 0, context, nth), copyAt(pair, 1, context, name))
      index++
    }
    return copy
  },
  Set: (value: Set<unknown>, context) => {
    assertNoOwnProperties(value, context)
    const copy = rememberCopy(value, new Set<unknown>(), context)
    for (const item of value) copy.add(copyAt([item], 0, context, () => `<item ${copy.size}>`))
    return copy
  },
  RegExp: (value: RegExp, context) => {
    // The one own property is `lastIndex`. It is not stored: the copy starts at 0.
    assertNoOwnProperties(value, context, 1)
    countText(value.source, context)
    return rememberCopy(value, new RegExp(value.source, value.flags), context)
  },
  ArrayBuffer: (value: ArrayBuffer, context) => {
    assertNoOwnProperties(value, context)
    return rememberCopy(value, copyBytes(value, 0, value.byteLength, context), context)
  },
}

const VIEW =
  /^(?:(?:Big)?(?:Int|Uint)(?:8|16|32|64)|Uint8Clamped|Float(?:16|32|64))Array$|^DataView$/

/** Copies the bytes that a view shows, without the rest of its buffer. */
function copyView(value: ArrayBufferView, name: string, context: CopyContext): unknown {
  // Match known names first: Buffer of Node and a user's subclass may be global too.
  const Type = VIEW.test(name)
    ? (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name]
    : undefined
  if (!Type) return throwInvalid(`is ${describeObject(value, name)}; store a Uint8Array`, context)
  if (builtInName(value.buffer) !== 'ArrayBuffer')
    throwInvalid('is a view of a SharedArrayBuffer', context)
  countBytes(32, context)
  const { buffer, byteOffset, byteLength } = value
  return rememberCopy(value, new Type(copyBytes(buffer, byteOffset, byteLength, context)), context)
}

/** @throws TypeError if the buffer is detached */
function copyBytes(
  buffer: ArrayBufferLike,
  from: number,
  length: number,
  context: CopyContext,
): ArrayBuffer {
  countBytes(length, context)
  return new Uint8Array(new Uint8Array(buffer, from, length)).buffer
}

function copyError(value: Error, name: string, context: CopyContext): Error {
  for (const key of ownKeys(value).map(String)) {
    if (!ERROR_PROPERTY.test(key) && !(key === 'name' && value.name === name))
      throwInvalid(
        `is an error with a property ${quote(key)}; only name, message and cause are kept`,
        context,
      )
  }
  const { message } = value
  if (typeof message !== 'string')
    throwInvalid('is an error whose message is not a string', context)
  countBytes(48, context)
  // Count the message twice, because V8 13.6 also writes the stack, which begins with it.
  countText(message, context)
  countText(message, context)
  // Until the cause is copied, the error maps to itself, so that copyObject() detects a cycle.
  rememberCopy(value, value, context)
  const options = Object.hasOwn(value, 'cause')
    ? { cause: copyAt(value, 'cause', context) }
    : undefined
  const copy = new (ERROR_CLASSES[name] as ErrorConstructor)(message, options)
  // Replace the stack of this function call. Stacks differ between engines, so none is stored.
  const stack = { value: `${name}: ${message}`, writable: true, configurable: true }
  return rememberCopy(value, Object.defineProperty(copy, 'stack', stack), context)
}

/** Copies what an object has at a key, which is `step` in the path of an error. */
function copyAt(
  value: object,
  key: string | number,
  context: CopyContext,
  step: PathStep = key,
): unknown {
  try {
    return copyPart((value as Record<string, unknown>)[key], context)
  } catch (error) {
    context.path.push(step)
    throw error
  }
}
