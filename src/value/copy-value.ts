import {
  builtInName,
  describeObject,
  ERROR_PROPERTY,
  ERROR_CLASSES,
  type ViewConstructor,
} from './built-in.ts'
import { quote, StoreError } from '../errors.ts'
import {
  countBytes,
  countText,
  createContext,
  indexesOf,
  rememberCopy,
  assertNoOwnProperties,
  type CopyContext,
  throwInvalid,
  type Step,
} from './copy-context.ts'

/** A private copy of a value, and how much room it takes. */
export interface Copy {
  readonly value: unknown
  /**
   * At least what a structured clone of the value takes in V8's format, in bytes: text in Latin-1
   * counts one byte a character, other text two. What `copyValue` was told to begin with is in it.
   */
  readonly bytes: number
}

/** How deep a value may nest. */
export const MAX_DEPTH = 1000

/**
 * How many bits a bigint may have. Reading and writing its digits takes more time than they are
 * long; Firefox and Safari make none of more than 2^20 bits.
 */
export const MAX_BIGINT_BITS: number = 2 ** 18
const BIGINT_END = 2n ** BigInt(MAX_BIGINT_BITS)

/**
 * Checks, copies and measures a value in one pass, at the time of the call.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what cannot be stored, `TOO_LARGE` as soon
 * as the copy passes `maxBytes`
 * @param firstBytes what counts before the value, its key for one
 */
export function copyValue(
  value: unknown,
  maxBytes: number = Number.POSITIVE_INFINITY,
  firstBytes = 0,
): Copy {
  const pass = createContext(MAX_DEPTH, true, true, maxBytes, firstBytes)
  return { value: copyRoot(value, pass), bytes: pass.bytes }
}

/**
 * Checks and copies a value without measuring it. A text of a megabyte that a list names a
 * thousand times takes a gigabyte by the measure; here it is not looked at.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what cannot be stored
 */
export function cloneValue(value: unknown, maxDepth: number = MAX_DEPTH): unknown {
  return copyRoot(value, createContext(maxDepth, true))
}

/** Another copy of what `copyValue` or `cloneValue` gave, or of `undefined`; nothing is checked again. */
export function recopy(copied: unknown): unknown {
  return copyPart(copied, createContext(Infinity, false))
}

/** How many bytes of UTF-8 a well-formed text takes. */
export function utf8Bytes(text: string): number {
  // Nearly every key is plain ASCII, and an encoder takes its time.
  return /[^\x20-\x7e]/.test(text) ? new TextEncoder().encode(text).length : text.length
}

function copyRoot(value: unknown, pass: CopyContext): unknown {
  if (value === undefined) {
    throwInvalid(
      'is undefined, which is what a missing key reads as. Use delete() to remove one',
      pass,
    )
  }
  try {
    return copyPart(value, pass)
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    // A getter or a Proxy trap threw, or an object was not what its prototype says.
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    return throwInvalid(`cannot be read${why}`, pass, { cause })
  }
}

function copyPart(value: unknown, pass: CopyContext): unknown {
  switch (typeof value) {
    case 'object':
      if (value !== null) return copyObject(value, pass)
      countBytes(1, pass)
      break
    case 'string':
      countText(value, pass)
      break
    case 'bigint':
      if ((value < 0n ? -value : value) >= BIGINT_END)
        throwInvalid(`is a bigint of more than ${MAX_BIGINT_BITS} bits`, pass)
      if (pass.measures) countBytes(16 + value.toString(16).length / 2, pass)
      break
    case 'function':
    case 'symbol':
      throwInvalid(`is a ${typeof value}`, pass)
      break
    default:
      countBytes(typeof value === 'number' ? 9 : 1, pass)
  }
  return value
}

function copyObject(value: object, pass: CopyContext): unknown {
  const known = pass.copies?.get(value)
  if (known !== undefined) {
    // V8 writes such a structured clone, and can never read it again.
    if (known === value) throwInvalid('is an error within its own cause', pass)
    countBytes(6, pass)
    return known
  }
  if (pass.depth >= pass.maxDepth)
    throwInvalid(`nests more than ${pass.maxDepth} levels deep`, pass)
  countBytes(16, pass)
  const name = builtInName(value) ?? ''
  const copy = COPIERS[name]
  if (copy !== undefined) return copy(value as never, pass)
  if (ArrayBuffer.isView(value)) return copyView(value, name, pass)
  if (name in ERROR_CLASSES) return copyError(value as Error, name, pass)
  return throwInvalid(`is ${describeObject(value, name)}`, pass)
}

// An array of no more than so many holes may take room for each of them.
const SPARSE_LENGTH = 64

/** How an object is copied, by the name of its class; errors and views come besides. */
const COPIERS: Readonly<Record<string, (value: never, pass: CopyContext) => unknown>> = {
  Object: (value: Record<string, unknown>, pass) => {
    const copy = rememberCopy<Record<string, unknown>>(value, {}, pass)
    const keys = Object.keys(value)
    if (pass.checks) {
      // Two lists more are made sooner than the one of Reflect.ownKeys.
      if (Object.getOwnPropertySymbols(value).length > 0) throwInvalid('has a symbol key', pass)
      if (Object.getOwnPropertyNames(value).length > keys.length)
        throwInvalid('has a property that is not enumerable', pass)
    }
    for (const key of keys) {
      if (key === '__proto__') throwInvalid('has an own property "__proto__"', pass)
      countText(key, pass)
      pass.path[pass.depth++] = key
      copy[key] = copyPart(value[key], pass)
      pass.depth--
    }
    return copy
  },
  Array: (value: unknown[], pass) => {
    const { length } = value
    const copy = rememberCopy<unknown[]>(value, [], pass)
    // Whoever reads the value back makes room for every element and hole. Looked at first, since
    // the keys of a large array are many.
    countBytes(length, pass)
    const indexes = pass.checks ? indexesOf(value, pass) : Object.keys(value)
    countBytes(6 * indexes.length, pass)
    // V8 makes room for each hole, up to many millions, unless an array has had a far element.
    if (length > SPARSE_LENGTH + 4 * indexes.length) {
      copy[2 ** 32 - 2] = 0
      Reflect.deleteProperty(copy, 2 ** 32 - 2)
    }
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes.length === length ? i : Number(indexes[i])
      pass.path[pass.depth++] = index
      copy[index] = copyPart(value[index], pass)
      pass.depth--
    }
    // Where it is that already, V8 takes its time all the same.
    if (copy.length !== length) copy.length = length
    return copy
  },
  Map: (value: Map<unknown, unknown>, pass) => {
    assertNoOwnProperties(value, pass)
    const copy = rememberCopy(value, new Map<unknown, unknown>(), pass)
    let index = 0
    const nth = (): string => `<key ${index}>`
    for (const [key, item] of value) {
      const name = (): string => `.get(${typeof key === 'string' ? quote(key) : nth()})`
      copy.set(copyAt(nth, key, pass), copyAt(name, item, pass))
      index++
    }
    return copy
  },
  Set: (value: Set<unknown>, pass) => {
    assertNoOwnProperties(value, pass)
    const copy = rememberCopy(value, new Set<unknown>(), pass)
    for (const item of value) copy.add(copyAt(() => `<item ${copy.size}>`, item, pass))
    return copy
  },
  Date: (value: Date, pass) => {
    assertNoOwnProperties(value, pass)
    return rememberCopy(value, new Date(value.getTime()), pass)
  },
  RegExp: (value: RegExp, pass) => {
    // `lastIndex` is every RegExp's own; it is no part of the domain and starts again at 0.
    assertNoOwnProperties(value, pass, 1)
    countText(value.source, pass)
    return rememberCopy(value, new RegExp(value.source, value.flags), pass)
  },
  ArrayBuffer: (value: ArrayBuffer, pass) => {
    assertNoOwnProperties(value, pass)
    return rememberCopy(value, copyBytes(value, 0, value.byteLength, pass), pass)
  },
}

const VIEW =
  /^(?:(?:Big)?(?:Int|Uint)(?:8|16|32|64)|Uint8Clamped|Float(?:16|32|64))Array$|^DataView$/

/** A view is its own bytes; what else its buffer holds is not part of it. */
function copyView(value: ArrayBufferView, name: string, pass: CopyContext): unknown {
  // By name, and not whatever else is global: Node's Buffer, or somebody's own subclass.
  const Type = VIEW.test(name)
    ? (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name]
    : undefined
  if (Type === undefined)
    return throwInvalid(`is ${describeObject(value, name)}; store a Uint8Array`, pass)
  if (builtInName(value.buffer) !== 'ArrayBuffer')
    throwInvalid('is a view of a SharedArrayBuffer', pass)
  countBytes(32, pass)
  const { buffer, byteOffset, byteLength } = value
  return rememberCopy(value, new Type(copyBytes(buffer, byteOffset, byteLength, pass)), pass)
}

/** Where the buffer is detached this throws. */
function copyBytes(
  buffer: ArrayBufferLike,
  from: number,
  length: number,
  pass: CopyContext,
): ArrayBuffer {
  countBytes(length, pass)
  return new Uint8Array(new Uint8Array(buffer, from, length)).buffer
}

function copyError(value: Error, name: string, pass: CopyContext): Error {
  for (const key of Reflect.ownKeys(value).map(String)) {
    if (!ERROR_PROPERTY.test(key) && !(key === 'name' && value.name === name))
      throwInvalid(
        `is an error with a property ${quote(key)}; only name, message and cause are kept`,
        pass,
      )
  }
  const { message } = value
  if (typeof message !== 'string') throwInvalid('is an error whose message is no text', pass)
  countBytes(48, pass)
  // Its stack begins with it.
  countText(message, pass)
  countText(message, pass)
  // It stands for itself until its cause is copied.
  rememberCopy(value, value, pass)
  const options = Object.hasOwn(value, 'cause')
    ? { cause: copyAt('cause', value.cause, pass) }
    : undefined
  const copy = new (ERROR_CLASSES[name] as ErrorConstructor)(message, options)
  // Where it was copied is nobody's business, and a stack differs from engine to engine.
  const stack = { value: `${name}: ${message}`, writable: true, configurable: true }
  return rememberCopy(value, Object.defineProperty(copy, 'stack', stack), pass)
}

function copyAt(step: Step, value: unknown, pass: CopyContext): unknown {
  pass.path[pass.depth++] = step
  const copy = copyPart(value, pass)
  pass.depth--
  return copy
}
