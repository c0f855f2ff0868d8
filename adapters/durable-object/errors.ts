// Errors of the platform become a `StoreError`; a `StoreError` crosses between objects as data.
import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  type WriteOutcome,
} from '../../src/errors.ts'

/** What the messages of the platform's errors mean. Only the text distinguishes them. */
const PLATFORM_ERRORS: readonly (readonly [
  pattern: RegExp,
  code: StoreErrorCode,
  outcome?: WriteOutcome,
])[] = [
  [/SQLITE_TOOBIG|limited to 32MiB/, 'TOO_LARGE', 'not-applied'],
  [/SQLITE_FULL/, 'QUOTA_EXCEEDED', 'not-applied'],
  [/RPC receiver does not implement/, 'VERSION_MISMATCH', 'not-applied'],
  [/generating too much load/, 'RATE_LIMITED'],
  [
    /Network connection lost|transient issue on remote node|code was updated|exceeded timeout which caused object to be reset|internal error; reference|socket|ECONNRE|fetch failed/i,
    'CONNECTION_LOST',
  ],
]

/**
 * Converts what an object, its storage or its stub threw to a `StoreError`.
 *
 * @param outcome the outcome of the write, unless the error itself determines it
 */
export function fromObjectError(error: unknown, outcome: WriteOutcome): StoreError {
  if (isStoreError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  // The platform sets these on the errors of a stub (documented 2026-11).
  const flags = error as
    | { overloaded?: unknown; retryable?: unknown; durableObjectReset?: unknown }
    | undefined
  const isOverloaded = flags?.overloaded === true
  const isLost = flags?.retryable === true || flags?.durableObjectReset === true
  const found = isOverloaded
    ? undefined
    : PLATFORM_ERRORS.find(([pattern]) => pattern.test(message))
  const flagged = isLost ? 'CONNECTION_LOST' : 'BACKEND_ERROR'
  const [, code = isOverloaded ? 'OVERLOADED' : flagged, knownOutcome = outcome] = found ?? []
  const advice = isOverloaded ? ' Use more objects.' : ''
  return new StoreError(code, `The call to the object failed: ${message}${advice}`, {
    cause: error,
    outcome: knownOutcome,
  })
}

/**
 * A `StoreError` as data. Over RPC an error loses its class and, below compatibility date
 * 2026-04-21, its own properties.
 */
export interface ErrorData {
  readonly code: StoreErrorCode
  readonly message: string
  readonly key?: string | undefined
  readonly outcome: WriteOutcome
  readonly retryable: boolean
  readonly cause?: { readonly name: string; readonly message: string }
}

/** Converts an error to data that crosses RPC, as {@link fromObjectError} classifies it. */
export function encodeError(error: unknown, outcome: WriteOutcome): ErrorData {
  const { code, message, key, outcome: known, retryable, cause } = fromObjectError(error, outcome)
  const data = { code, message, key, outcome: known, retryable }
  if (!(cause instanceof Error)) return data
  return { ...data, cause: { name: cause.name, message: cause.message } }
}

/** Creates the `StoreError` that {@link encodeError} converted. */
export function decodeError({ code, message, ...details }: ErrorData): StoreError {
  return new StoreError(code, message, details)
}
