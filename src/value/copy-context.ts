import { quote, StoreError } from '../errors.ts'

/** A property name, an array index, or a function that formats a step without either. */
export type PathStep = string | number | (() => string)

/** The limits and the progress of one copy. */
export interface CopyContext {
  readonly maxDepth: number
  readonly maxBytes: number
  /** Up to this size a string counts two bytes per character, without a look at its characters. */
  readonly roughBytes: number
  /** Whether to reject what cannot be stored. A copy of a copy needs no check. */
  readonly shouldCheck: boolean
  /** The bytes counted so far; −Infinity if nothing is measured. */
  bytes: number
  /** How many objects contain the current value. */
  depth: number
  /** The objects met so far, each before its copy. V8 13.6 finds few of them faster than in a map. */
  readonly pairs: object[]
  /** The copy of each object, once the list is longer than `MAX_PAIRS`. */
  copies: Map<object, object> | undefined
  /** What {@link throwInvalid} threw. */
  rejection: TypeError | undefined
  /** The steps to the value that an error is about, the last one first. Empty until there is one. */
  readonly path: PathStep[]
}

// The length of a list of 16 pairs.
const MAX_PAIRS = 32

/** The deepest nesting of a value. */
export const MAX_DEPTH = 1000

/** Creates the context of a copy. */
export function createContext(
  shouldCheck: boolean,
  maxDepth: number = MAX_DEPTH,
  maxBytes: number = Infinity,
  roughBytes: number = Infinity,
  bytes: number = -Infinity,
): CopyContext {
  return {
    maxDepth,
    maxBytes,
    roughBytes,
    shouldCheck,
    bytes,
    depth: 0,
    pairs: [],
    copies: undefined,
    rejection: undefined,
    path: [],
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
  // V8 13.6 serializes a string with two bytes per character if any is beyond Latin-1. For a short
  // string, looking takes longer than everything else.
  const atMost = 8 + 2 * text.length
  if (context.bytes + atMost < context.roughBytes) context.bytes += atMost
  else {
    // Compare the length with the limit before scanning the characters.
    countBytes(6 + text.length, context)
    if (BEYOND_LATIN_1.test(text)) countBytes(2 + text.length, context)
  }
}

// V8 13.6 answers at once for a string that it holds with one byte per character.
const BEYOND_LATIN_1 = /[\u0100-\uffff]/

/** Returns the last recorded copy of an object, if any. */
export function findCopy(value: object, { copies, pairs }: CopyContext): object | undefined {
  if (copies) return copies.get(value)
  for (let i = pairs.length - 2; i >= 0; i -= 2) if (pairs[i] === value) return pairs[i + 1]
  return undefined
}

/** Records the copy of an object, for every other reference to that object. */
export function rememberCopy<T extends object>(value: object, copy: T, context: CopyContext): T {
  const { pairs } = context
  if (context.copies) context.copies.set(value, copy)
  else if (pairs.push(value, copy) > MAX_PAIRS) {
    context.copies = new Map()
    for (let i = 0; i < pairs.length; i += 2) context.copies.set(pairs[i]!, pairs[i + 1]!)
  }
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
 * Returns the indexes of an array's elements, without those of its holes; `undefined` if it has no
 * hole.
 *
 * @throws TypeError if the array has any other property
 */
export function indexesOf(
  value: unknown[],
  context: CopyContext,
): readonly PropertyKey[] | undefined {
  const keys = ownKeys(value)
  // The indexes come first, then `length`, then any other property.
  if (keys.length === value.length + 1 && keys.at(-1) === 'length') return undefined
  // The array has holes or other properties, or is a Proxy, which may list its keys in any order.
  const indexes = keys.filter((key) => key !== 'length')
  const other = indexes.find(
    (key) =>
      typeof key === 'symbol' || String(Number(key) >>> 0) !== key || Number(key) >= value.length,
  )
  if (other === undefined) return indexes
  return throwInvalid(`has a property ${quote(String(other))} besides its elements`, context)
}

/** @throws TypeError if an object has more than `allowed` own properties */
export function assertNoOwnProperties(value: object, context: CopyContext, allowed = 0): void {
  if (ownKeys(value).length > allowed) throwInvalid('has properties of its own', context)
}

/**
 * Rejects the current value. The caller of each level adds its step to the path.
 *
 * @param problem the end of a sentence whose subject is the path; advice follows a `;`
 * @throws TypeError
 */
export function throwInvalid(problem: string, context: CopyContext): never {
  throw (context.rejection = new TypeError(problem))
}

/**
 * Returns the error to throw for one that ended a copy.
 *
 * @returns StoreError `INVALID_VALUE` with the path of what cannot be stored, or `TOO_LARGE`
 */
export function toCopyError(cause: unknown, { rejection, path }: CopyContext): StoreError {
  if (cause instanceof StoreError) return cause
  const isRejection = cause === rejection
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  // A getter or a Proxy trap threw, or the object is not what its prototype says.
  const problem = isRejection && rejection ? rejection.message : `cannot be read${reason}`
  const steps = path.toReversed().map(formatStep).join('')
  const advice = problem.includes('; ') ? '' : ' Convert or remove it.'
  const message = `Cannot be stored: $${steps} ${problem}.${advice}`
  return new StoreError('INVALID_VALUE', message, isRejection ? undefined : { cause })
}

/** Formats a step of a path, such as `.name` or `[0]`. */
export function formatStep(step: PathStep): string {
  if (typeof step === 'function') return step()
  if (typeof step === 'number') return `[${step}]`
  return /^[a-z$_][\w$]*$/i.test(step) ? `.${step}` : `[${quote(step)}]`
}
