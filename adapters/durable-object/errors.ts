// Errors of the platform become a `StoreError`; a `StoreError` crosses between objects as data.
import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  type WriteOutcome,
} from '../../src/errors.ts'

/** What the messages of the platform's errors mean. Only the text distinguishes them. */
const PLATFORM_ERRORS: readonly {
  readonly pattern: RegExp
  readonly code: StoreErrorCode
  readonly outcome?: WriteOutcome
}[] = [
  { pattern: /SQLITE_TOOBIG|limited to 32MiB/, code: 'TOO_LARGE', outcome: 'not-applied' },
  { pattern: /SQLITE_FULL/, code: 'QUOTA_EXCEEDED', outcome: 'not-applied' },
  {
    pattern: /RPC receiver does not implement/,
    code: 'VERSION_MISMATCH',
    outcome: 'not-applied',
  },
  { pattern: /generating too much load/, code: 'RATE_LIMITED' },
  {
    pattern:
      /Network connection lost|transient issue on remote node|code was updated|exceeded timeout which caused object to be reset|internal error; reference|socket|ECONNRE|fetch failed/i,
    code: 'CONNECTION_LOST',
  },
]

/**
 * Turns what an object, its storage or its stub threw into a `StoreError`.
 *
 * @param outcome the outcome of the write, unless the error itself determines it
 */
export function fromObjectError(error: unknown, outcome: WriteOutcome): StoreError {
  if (isStoreError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  // Properties that the platform sets on errors of a stub.
  const { overloaded, retryable, durableObjectReset } = (error ?? {}) as Record<string, unknown>
  if (overloaded === true) {
    return new StoreError('OVERLOADED', `The object is overloaded: ${message}`, {
      cause: error,
      outcome,
    })
  }
  const known = PLATFORM_ERRORS.find(({ pattern }) => pattern.test(message))
  const isLost = retryable === true || durableObjectReset === true
  const code = known?.code ?? (isLost ? 'CONNECTION_LOST' : 'BACKEND_ERROR')
  return new StoreError(code, `The object's storage failed: ${message}`, {
    cause: error,
    outcome: known?.outcome ?? outcome,
  })
}

/**
 * A `StoreError` as data. Over RPC an error loses its class and, below compatibility date
 * 2026-04-21, its own properties.
 */
export interface ErrorData {
  readonly code: StoreErrorCode
  readonly message: string
  readonly outcome: WriteOutcome
  readonly retryable: boolean
  readonly cause?: { readonly name: string; readonly message: string }
}

export function toErrorData(error: unknown, outcome: WriteOutcome): ErrorData {
  const { code, message, outcome: known, retryable, cause } = fromObjectError(error, outcome)
  const data = { code, message, outcome: known, retryable }
  if (!(cause instanceof Error)) return data
  return { ...data, cause: { name: cause.name, message: cause.message } }
}

/** The inverse of {@link toErrorData}. */
export function fromErrorData({ code, message, ...details }: ErrorData): StoreError {
  return new StoreError(code, message, details)
}
