// How values were copied on 2026-11-28, kept to measure later copies against it; not part of the library.
// Its path steps, limits and order of tests are unchanged. Only the kinds of values that the
// benchmark copies are left: objects, arrays, dates and primitives.

type PathStep = string | number

interface CopyContext {
  readonly maxDepth: number
  maxBytes: number
  shouldCheck: boolean
  shouldMeasure: boolean
  bytes: number
  readonly path: PathStep[]
  depth: number
  copies: Map<object, object> | undefined
}

interface MeasuredCopy {
  readonly value: unknown
  readonly bytes: number
}

interface CopyLimits {
  readonly maxBytes?: number | undefined
  readonly keyBytes?: number | undefined
}

const MAX_DEPTH = 1000
const MAX_BIGINT_BITS = 2 ** 18
const BIGINT_END = 2n ** BigInt(MAX_BIGINT_BITS)
const MAX_DENSE_LENGTH = 64
const BEYOND_LATIN_1 = /[\u0100-\uffff]/

/** Checks, copies and measures a value. */
export function copyValue(
  value: unknown,
  { maxBytes = Infinity, keyBytes = 0 }: CopyLimits = {},
): MeasuredCopy {
  const context = createContext()
  context.shouldMeasure = true
  context.maxBytes = maxBytes
  context.bytes = keyBytes
  return { value: copyRoot(value, context), bytes: context.bytes }
}

/** Checks and copies a value. */
export function cloneValue(value: unknown, maxDepth?: number): unknown {
  return copyRoot(value, createContext(maxDepth))
}

/** Copies a result of `copyValue` or `cloneValue`. */
export function recopy(copied: unknown): unknown {
  const context = createContext(Infinity)
  context.shouldCheck = false
  return copyPart(copied, context)
}

function createContext(maxDepth: number = MAX_DEPTH): CopyContext {
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

function countBytes(bytes: number, context: CopyContext): void {
  context.bytes += bytes
  if (context.bytes > context.maxBytes) throw new RangeError('The value is too large.')
}

function countText(text: string, context: CopyContext): void {
  if (!context.shouldMeasure) return
  countBytes(6 + text.length, context)
  if (BEYOND_LATIN_1.test(text)) countBytes(2 + text.length, context)
}

function rememberCopy<T extends object>(value: object, copy: T, context: CopyContext): T {
  context.copies ??= new Map()
  context.copies.set(value, copy)
  return copy
}

function ownKeys(value: object): PropertyKey[] {
  const keys: PropertyKey[] = Reflect.ownKeys(value)
  const { dispose } = Symbol
  if (keys.at(-1) === dispose && !{}.propertyIsEnumerable.call(value, dispose)) keys.pop()
  return keys
}

function indexesOf(value: unknown[], context: CopyContext): readonly PropertyKey[] {
  const keys = ownKeys(value)
  if (keys.length === value.length + 1 && keys.at(-1) === 'length') return keys.slice(0, -1)
  const indexes = keys.filter((key) => key !== 'length')
  const other = indexes.find(
    (key) =>
      typeof key === 'symbol' || String(Number(key) >>> 0) !== key || Number(key) >= value.length,
  )
  if (other === undefined) return indexes
  return throwInvalid('has another property', context)
}

function assertNoOwnProperties(value: object, context: CopyContext): void {
  if (context.shouldCheck && ownKeys(value).length > 0)
    throwInvalid('has properties of its own', context)
}

function throwInvalid(problem: string, context: CopyContext): never {
  throw new TypeError(`${context.path.slice(0, context.depth).join('.')} ${problem}`)
}

function builtInName(value: object): string | undefined {
  const prototype: { constructor?: unknown } | null = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return 'Object'
  if (prototype === Array.prototype) return 'Array'
  const Class = prototype.constructor
  if (typeof Class !== 'function' || Class.prototype !== prototype) return undefined
  const { name } = Class
  return (globalThis as Record<string, unknown>)[name] === Class ||
    /\[native code\]\s*\}$/.test(Function.prototype.toString.call(Class))
    ? name
    : undefined
}

function copyRoot(value: unknown, context: CopyContext): unknown {
  if (value === undefined) throwInvalid('is undefined', context)
  try {
    return copyPart(value, context)
  } catch (cause) {
    throw new TypeError('The value cannot be read.', { cause })
  }
}

function copyPart(value: unknown, context: CopyContext): unknown {
  switch (typeof value) {
    case 'object':
      if (value !== null) return copyObject(value, context)
      countBytes(1, context)
      break
    case 'string':
      countText(value, context)
      break
    case 'bigint':
      if ((value < 0n ? -value : value) >= BIGINT_END) throwInvalid('is too large', context)
      if (context.shouldMeasure) countBytes(16 + value.toString(16).length / 2, context)
      break
    case 'function':
    case 'symbol':
      throwInvalid(`is a ${typeof value}`, context)
      break
    default:
      countBytes(typeof value === 'number' ? 9 : 1, context)
  }
  return value
}

function copyObject(value: object, context: CopyContext): unknown {
  const known = context.copies?.get(value)
  if (known) {
    if (known === value) throwInvalid('is an error within its own cause', context)
    countBytes(6, context)
    return known
  }
  if (context.depth >= context.maxDepth) throwInvalid('nests too deep', context)
  countBytes(16, context)
  const copy = COPIERS[builtInName(value) ?? '']
  if (copy) return copy(value as never, context)
  return throwInvalid('is of another class', context)
}

const COPIERS: Readonly<Record<string, (value: never, context: CopyContext) => unknown>> = {
  Object: (value: Record<string, unknown>, context) => {
    const copy = rememberCopy<Record<string, unknown>>(value, {}, context)
    const keys = Object.keys(value)
    if (context.shouldCheck) {
      if (
        Object.getOwnPropertySymbols(value).length > 0 &&
        typeof ownKeys(value).at(-1) === 'symbol'
      )
        throwInvalid('has a symbol key', context)
      if (Object.getOwnPropertyNames(value).length > keys.length)
        throwInvalid('has a property that is not enumerable', context)
    }
    for (const key of keys) {
      if (key === '__proto__') throwInvalid('has an own property "__proto__"', context)
      countText(key, context)
      context.path[context.depth++] = key
      copy[key] = copyPart(value[key], context)
      context.depth--
    }
    return copy
  },
  Array: (value: unknown[], context) => {
    const { length } = value
    const copy = rememberCopy<unknown[]>(value, [], context)
    countBytes(length, context)
    const indexes = context.shouldCheck ? indexesOf(value, context) : Object.keys(value)
    countBytes(6 * indexes.length, context)
    if (length > MAX_DENSE_LENGTH + 4 * indexes.length) {
      copy[2 ** 32 - 2] = 0
      Reflect.deleteProperty(copy, 2 ** 32 - 2)
    }
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes.length === length ? i : Number(indexes[i])
      context.path[context.depth++] = index
      copy[index] = copyPart(value[index], context)
      context.depth--
    }
    if (copy.length !== length) copy.length = length
    return copy
  },
  Date: (value: Date, context) => {
    assertNoOwnProperties(value, context)
    return rememberCopy(value, new Date(value.getTime()), context)
  },
}
