import { quote, StoreError, type StoreErrorDetails } from '../errors.ts'

/** A property name, an array index, or a function that formats a step without either. */
export type PathStep = string | number | (() => string)

/** The limits and the progress of one copy. */
export interface CopyContext {
  readonly maxDepth: number
  maxBytes: number
  /** Whether to reject what cannot be stored. A copy of a copy needs no check. */
  shouldCheck: boolean
  shouldMeasure: boolean
  /** The bytes counted so far. */
  bytes: number
  /** The first `depth` steps lead to the current value; later ones are left over. */
  readonly path: PathStep[]
  depth: number
  /** The copy of each object met so far. Created with the first object: primitives need no map. */
  copies: Map<object, object> | undefined
}

/** The deepest nesting of a value. */
export const MAX_DEPTH = 1000

/** Creates the context of a copy that is checked and not measured. */
export function createContext(maxDepth: number = MAX_DEPTH): CopyContext {
  return {
    maxDepth,
    maxBytes: Infinity,
    shouldCheck: true,
    shouldMeasure: false,
    bytes: 0,
    path: [],
    depth: 0,
    copies: undefined,
  }
}

/**
 * Adds to the measured size.
 *
 * @throws StoreError `TOO_LARGE`
 */
export function countBytes(bytes: number, context: CopyContext): void {
  context.bytes += bytes
  if (context.bytes > context.maxBytes) {
    throw new StoreError(
      'TOO_LARGE',
      `With its key the value takes more than ${context.maxBytes} bytes. Split it over several keys.`,
    )
  }
}

/**
 * Adds the size of a string to the measured size.
 *
 * @throws StoreError `TOO_LARGE`
 */
export function countText(text: string, context: CopyContext): void {
  if (!context.shouldMeasure) return
  // Compare the length with the limit before scanning the characters.
  countBytes(6 + text.length, context)
  // V8 13.6 serializes a string with two bytes per character if any is beyond Latin-1.
  if (BEYOND_LATIN_1.test(text)) countBytes(2 + text.length, context)
}

// V8 13.6 answers at once for a string that it holds with one byte per character.
const BEYOND_LATIN_1 = /[\u0100-\uffff]/

/** Records the copy of an object, for every other reference to that object. */
export function rememberCopy<T extends object>(value: object, copy: T, context: CopyContext): T {
  context.copies ??= new Map()
  context.copies.set(value, copy)
  return copy
}

/**
 * Returns the keys of an object's own properties. Without the `Symbol.dispose` that workerd adds to
 * each result of an RPC (1.20261102), of any class: it is the last key and not enumerable, and
 * structured clone ignores it.
 */
export function ownKeys(value: object): PropertyKey[] {
  const keys: PropertyKey[] = Reflect.ownKeys(value)
  const { dispose } = Symbol
  if (keys.at(-1) === dispose && !{}.propertyIsEnumerable.call(value, dispose)) keys.pop()
  return keys
}

/**
 * Returns the indexes of an array's elements, without those of its holes.
 *
 * @throws StoreError `INVALID_VALUE` if the array has any other property
 */
export function indexesOf(value: unknown[], context: CopyContext): readonly PropertyKey[] {
  const keys = ownKeys(value)
  // The indexes come first, then `length`, then any other property.
  if (keys.length === value.length + 1 && keys.at(-1) === 'length') return keys.slice(0, -1)
  // The array has holes or other properties, or is a Proxy, which may list its keys in any order.
  const indexes = keys.filter((key) => key !== 'length')
  const other = indexes.find(
    (key) =>
      typeof key === 'symbol' || String(Number(key) >>> 0) !== key || Number(key) >= value.length,
  )
  if (other === undefined) return indexes
  return throwInvalid(`has a property ${quote(String(other))} besides its elements`, context)
}

/** @throws StoreError `INVALID_VALUE` if an object has more than `allowed` own properties */
export function assertNoOwnProperties(value: object, context: CopyContext, allowed = 0): void {
  if (context.shouldCheck && ownKeys(value).length > allowed)
    throwInvalid('has properties of its own', context)
}

/**
 * Rejects the current value.
 *
 * @param problem the end of a sentence whose subject is the path; advice follows a `;`
 * @throws StoreError `INVALID_VALUE` with the path of the current value
 */
export function throwInvalid(
  problem: string,
  context: CopyContext,
  details?: StoreErrorDetails,
): never {
  const path = context.path.slice(0, context.depth).map(formatStep).join('')
  const advice = problem.includes('; ') ? '' : ' Convert or remove it.'
  throw new StoreError('INVALID_VALUE', `Cannot be stored: $${path} ${problem}.${advice}`, details)
}

/** Formats a step of a path, such as `.name` or `[0]`. */
export function formatStep(step: PathStep): string {
  if (typeof step === 'function') return step()
  if (typeof step === 'number') return `[${step}]`
  return /^[a-z$_][\w$]*$/i.test(step) ? `.${step}` : `[${quote(step)}]`
}
