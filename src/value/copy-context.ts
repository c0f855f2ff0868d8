import { quote, StoreError, type StoreErrorDetails } from '../errors.ts'

/** A property's name or an element's index; a function gives the text of what has neither. */
export type Step = string | number | (() => string)

/** One pass over a value: what it looks at, how far it may go, and where it is. */
export interface CopyContext {
  readonly maxDepth: number
  /** Not where a copy is copied, which was checked when it was made. */
  readonly checks: boolean
  readonly measures: boolean
  readonly maxBytes: number
  bytes: number
  /** The steps to where the pass is are the first `depth`; what comes after them is left over. */
  readonly path: Step[]
  depth: number
  /** The copy of each object met. Not made for a number or a text. */
  copies: Map<object, object> | undefined
}

export function createContext(
  maxDepth: number,
  checks: boolean,
  measures = false,
  maxBytes: number = Infinity,
  bytes = 0,
): CopyContext {
  return { maxDepth, checks, measures, maxBytes, bytes, path: [], depth: 0, copies: undefined }
}

/** @throws StoreError `TOO_LARGE` */
export function countBytes(bytes: number, pass: CopyContext): void {
  pass.bytes += bytes
  if (pass.bytes > pass.maxBytes) {
    throw new StoreError(
      'TOO_LARGE',
      `The value is too large: with its key it takes more than ${pass.maxBytes} bytes.`,
    )
  }
}

/** @throws StoreError `TOO_LARGE` */
export function countText(text: string, pass: CopyContext): void {
  if (!pass.measures) return
  // Its length is held against the limit before its characters are looked at.
  countBytes(6 + text.length, pass)
  // One character beyond Latin-1 makes V8 write two bytes a character.
  if (BEYOND_LATIN_1.test(text)) countBytes(2 + text.length, pass)
}

// Of text that has one byte a character V8 knows at once that it holds none.
const BEYOND_LATIN_1 = /[\u0100-\uffff]/

/** Makes the copy known, for whatever else refers to the object. */
export function rememberCopy<T extends object>(value: object, copy: T, pass: CopyContext): T {
  pass.copies ??= new Map()
  pass.copies.set(value, copy)
  return copy
}

/**
 * The indexes of what an array holds; it may hold nothing besides.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function indexesOf(value: unknown[], pass: CopyContext): readonly PropertyKey[] {
  const keys = Reflect.ownKeys(value)
  // First come the indexes, then `length`, then whatever else it has.
  if (keys.length === value.length + 1 && keys.at(-1) === 'length') return keys.slice(0, -1)
  // It has holes or more, or is a Proxy, which may list them in any order.
  const indexes = keys.filter((key) => key !== 'length')
  const other = indexes.find(
    (key) =>
      typeof key === 'symbol' || String(Number(key) >>> 0) !== key || Number(key) >= value.length,
  )
  if (other === undefined) return indexes
  return throwInvalid(`has a property ${quote(String(other))} besides its elements`, pass)
}

/** @throws StoreError `INVALID_VALUE` where an object has more than so many properties of its own */
export function assertNoOwnProperties(value: object, pass: CopyContext, own = 0): void {
  if (pass.checks && Reflect.ownKeys(value).length > own)
    throwInvalid('has properties of its own', pass)
}

/** @throws StoreError `INVALID_VALUE` with the path to where the pass is */
export function throwInvalid(what: string, pass: CopyContext, details?: StoreErrorDetails): never {
  const path = pass.path.slice(0, pass.depth).map(shown).join('')
  throw new StoreError('INVALID_VALUE', `Cannot be stored: $${path} ${what}.`, details)
}

function shown(step: Step): string {
  if (typeof step === 'function') return step()
  if (typeof step === 'number') return `[${step}]`
  return /^[a-z$_][\w$]*$/i.test(step) ? `.${step}` : `[${quote(step)}]`
}
