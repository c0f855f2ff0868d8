import { ERROR_CLASSES } from '../../src/value/built-in.ts'
import { cloneValue } from '../../src/value/copy-value.ts'

// WebKit's structured clone does not keep errors (measured with WebKitGTK 2.50): it turns the cause
// of an error into a string, and duplicates an error that is referenced twice. There, errors are
// stored as plain objects.

/** An error as a plain object. */
export interface EncodedError {
  readonly name: string
  readonly message: string
  readonly cause?: unknown
}

/** A value without errors. */
export interface EncodedValue {
  readonly value: unknown
  /** The objects in `value` that encode errors: the same references. */
  readonly encodedErrors: readonly EncodedError[]
}

/** Returns whether the browser's structured clone keeps errors, with their causes and references. */
export function canCloneErrors(): boolean {
  const error = new Error('', { cause: {} })
  const [first, second] = structuredClone([error, error])
  return first === second && typeof first?.cause === 'object'
}

/** Encodes the errors in a copy of `value`. Returns `value` itself if it has none. */
export function encodeErrors(value: unknown): EncodedValue {
  const encodedErrors = new Map<Error, EncodedError>()
  const encoded = replaceObjects(cloneValue(value), (part) => {
    if (!(part instanceof Error)) return part
    const { name, message } = part
    const encodedError = encodedErrors.get(part) ?? { name, message, ...causeOf(part) }
    encodedErrors.set(part, encodedError)
    return encodedError
  })
  return encodedErrors.size === 0
    ? { value, encodedErrors: [] }
    : { value: encoded, encodedErrors: [...encodedErrors.values()] }
}

/** Replaces the objects that encode errors with errors, in place. */
export function decodeErrors({ value, encodedErrors }: EncodedValue): unknown {
  const decoded = new Map<object, Error | undefined>(
    encodedErrors.map((encodedError) => [encodedError, undefined]),
  )
  return replaceObjects(value, (part) => {
    if (!decoded.has(part)) return part
    const error = decoded.get(part) ?? decodeError(part as EncodedError)
    decoded.set(part, error)
    return error
  })
}

function decodeError(encoded: EncodedError): Error {
  // An error whose name is unknown here becomes a plain one.
  const Class = ERROR_CLASSES[encoded.name] ?? Error
  const error = new Class(encoded.message, causeOf(encoded))
  // As `cloneValue` does: where the error was decoded means nothing to its reader.
  error.stack = `${encoded.name}: ${encoded.message}`
  return error
}

function causeOf(from: { readonly cause?: unknown }): { cause?: unknown } {
  return Object.hasOwn(from, 'cause') ? { cause: from.cause } : {}
}

/**
 * Replaces objects within a value, in place. Shared references stay shared, and cycles are
 * preserved.
 */
function replaceObjects(root: unknown, replace: (part: object) => object): unknown {
  const seen = new Set<object>()
  const visit = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part
    const replaced = replace(part)
    // The elements of a view are numbers: visiting each would take long and find nothing.
    if (seen.has(replaced) || ArrayBuffer.isView(replaced)) return replaced
    seen.add(replaced)
    if (replaced instanceof Map) {
      const pairs = [...replaced]
      replaced.clear()
      for (const [key, item] of pairs) replaced.set(visit(key), visit(item))
    } else if (replaced instanceof Set) {
      const items = [...replaced]
      replaced.clear()
      for (const item of items) replaced.add(visit(item))
    } else if (replaced instanceof Error) {
      if (Object.hasOwn(replaced, 'cause')) replaced.cause = visit(replaced.cause)
    } else {
      const parts = replaced as Record<string, unknown>
      for (const key of Object.keys(parts)) parts[key] = visit(parts[key])
    }
    return replaced
  }
  return visit(root)
}
