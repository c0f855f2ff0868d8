import { builtInName, describeObject } from './value/built-in.ts'

/**
 * What went wrong. Match on the code, never on the message. Later versions may add codes and never
 * remove one.
 */
export type StoreErrorCode =
  | 'PLUGIN_NOT_FOUND'
  | 'CONFIG_INVALID'
  | 'STORE_NOT_OPEN'
  | 'STORE_ALREADY_OPEN'
  | 'INVALID_NAMESPACE'
  | 'INVALID_KEY'
  | 'INVALID_VALUE'
  | 'TOO_LARGE'
  | 'QUOTA_EXCEEDED'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'CONNECTION_LOST'
  | 'BLOCKED'
  | 'VERSION_MISMATCH'
  | 'UNAVAILABLE'
  | 'CORRUPT'
  | 'TIMEOUT'
  | 'CONFLICT'
  | 'NOT_ATOMIC'
  | 'BACKEND_ERROR'

/**
 * What became of a write whose call failed. `unknown`: it may or may not be stored; read the key
 * to find out.
 */
export type WriteOutcome = 'not-applied' | 'applied' | 'unknown'

/**
 * A {@link StoreError} as data, for JSON, `postMessage` and RPC, where an error loses its class and
 * its properties.
 */
export interface StoreErrorData {
  readonly name: 'StoreError'
  readonly code: StoreErrorCode
  /** With the namespace and the key. */
  readonly message: string
  readonly namespace?: string | undefined
  readonly key?: string | undefined
  readonly outcome: WriteOutcome
  readonly retryable: boolean
  /** Of the platform's own error, if there was one. */
  readonly cause?: { readonly name: string; readonly message: string } | undefined
}

/** The optional fields of a {@link StoreError}. */
export interface StoreErrorDetails {
  readonly namespace?: string | undefined
  readonly key?: string | undefined
  /**
   * Default: `unknown` for `OVERLOADED`, `CONNECTION_LOST`, `TIMEOUT` and `BACKEND_ERROR`, else
   * `not-applied`.
   */
  readonly outcome?: WriteOutcome | undefined
  /**
   * Whether the same call may succeed after a delay. Default: true for `RATE_LIMITED`,
   * `CONNECTION_LOST`, `BLOCKED`, `TIMEOUT` and `CONFLICT`, else false.
   */
  readonly retryable?: boolean | undefined
  /** The platform's own error. */
  readonly cause?: unknown
}

const RETRYABLE_CODES: readonly StoreErrorCode[] = [
  'RATE_LIMITED',
  'CONNECTION_LOST',
  'BLOCKED',
  'TIMEOUT',
  'CONFLICT',
]

// Codes after which a write may have been applied, unless the backend states the outcome.
const UNCERTAIN_CODES: readonly StoreErrorCode[] = [
  'OVERLOADED',
  'CONNECTION_LOST',
  'TIMEOUT',
  'BACKEND_ERROR',
]

/**
 * Reports a failure: what went wrong, where, what became of the write, and whether to retry. Test
 * for it with {@link isStoreError}, which also recognizes the errors of a second copy of the
 * library; `instanceof` does not.
 *
 * @example
 * throw new StoreError('CONNECTION_LOST', 'Redis closed the connection; repeat the call.', {
 *   outcome: 'unknown',
 *   cause,
 * })
 */
export class StoreError extends Error {
  override readonly name: string = 'StoreError'
  readonly code: StoreErrorCode
  readonly namespace: string | undefined
  readonly key: string | undefined
  /** What became of the write, if the call was one. */
  readonly outcome: WriteOutcome
  /** Whether the same call may succeed after a delay. */
  readonly retryable: boolean

  /**
   * Creates an error. The namespace and the key of the details are appended to the message.
   *
   * @param message what was received, what was expected and what to do
   */
  constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails = {}) {
    const { namespace, key } = details
    // Error reads only `cause` of its options, and shows one that is undefined.
    super(message + formatLocation(namespace, key), details.cause === undefined ? {} : details)
    this.code = code
    this.namespace = namespace
    this.key = key
    this.outcome = details.outcome ?? (UNCERTAIN_CODES.includes(code) ? 'unknown' : 'not-applied')
    this.retryable = details.retryable ?? RETRYABLE_CODES.includes(code)
  }

  /**
   * Converts the error to data, for JSON, `postMessage` and RPC. Of the cause it keeps name and
   * message.
   */
  toJSON(): StoreErrorData {
    const { code, message, namespace, key, outcome, retryable, cause } = this
    const name = 'StoreError'
    const data = { name, code, message, namespace, key, outcome, retryable } as const
    return cause === undefined
      ? data
      : { ...data, cause: { name: nameOf(cause), message: textOf(cause) } }
  }

  /**
   * Creates the error that `toJSON` converted. A `StoreError` is returned unchanged. Anything else
   * becomes the cause of a `BACKEND_ERROR`.
   *
   * @example
   * worker.onmessage = ({ data }) => {
   *   if (data.error) throw StoreError.from(data.error)
   * }
   */
  static from(data: unknown): StoreError {
    if (!isErrorData(data) || isStoreError(data)) return toStoreError(data)
    const { code, message, namespace, key, ...details } = data
    // The message names the namespace and the key already.
    return Object.assign(new StoreError(code, message, details), { namespace, key })
  }
}

/**
 * Tests whether an error is a {@link StoreError}, of this or another copy of botshelf.
 *
 * @example
 * try {
 *   await store.set('k', 1)
 * } catch (error) {
 *   if (isStoreError(error) && error.code === 'QUOTA_EXCEEDED') await store.clear()
 *   else throw error
 * }
 */
export function isStoreError(error: unknown): error is StoreError {
  return isErrorData(error, true)
}

function isErrorData(error: unknown, isError = false): error is StoreErrorData {
  try {
    const { name, code, toJSON } = (error ?? {}) as Partial<StoreError>
    return (
      name === 'StoreError' &&
      typeof code === 'string' &&
      (!isError || typeof toJSON === 'function')
    )
  } catch {
    // Anything can be thrown, also a revoked proxy.
    return false
  }
}

// The codes that one operation can cause for its whole batch. After one of them the queue splits the
// batch and runs the halves again.
const CAUSED_BY_ONE: readonly StoreErrorCode[] = [
  'QUOTA_EXCEEDED',
  'TOO_LARGE',
  'INVALID_KEY',
  'INVALID_VALUE',
  'CORRUPT',
  'BACKEND_ERROR',
]

/** Whether one of several operations may be why nothing of their shared call was applied. */
export function isCausedByOne(error: unknown): boolean {
  return (
    isStoreError(error) && error.outcome === 'not-applied' && CAUSED_BY_ONE.includes(error.code)
  )
}

/**
 * Converts any error to a `StoreError` with the details of the call. A `StoreError` with a namespace
 * is returned unchanged. Another `StoreError` gets the namespace, and the key unless it has one; the
 * outcome `not-applied` of the details replaces its own. Any other error becomes the cause of a
 * `BACKEND_ERROR`.
 */
export function toStoreError(error: unknown, details: StoreErrorDetails = {}): StoreError {
  try {
    if (isStoreError(error)) {
      if (typeof error.namespace === 'string') return error
      return new StoreError(error.code, error.message, {
        namespace: details.namespace,
        key: error.key ?? details.key,
        retryable: error.retryable,
        ...('cause' in error && { cause: error.cause }),
        // The caller knows that a read applied nothing; the error of a backend may say otherwise.
        outcome: details.outcome === 'not-applied' ? details.outcome : error.outcome,
      })
    }
  } catch {
    // It only resembles a StoreError: a getter threw.
  }
  return new StoreError('BACKEND_ERROR', `The storage failed: ${textOf(error)}`, {
    ...details,
    cause: error,
  })
}

/** Returns the message of anything that was thrown. Never throws. */
export function textOf(error: unknown): string {
  try {
    // Of an error of another realm, or as data, too.
    return String((error as Partial<Error> | null)?.message ?? error)
  } catch {
    return 'an error without text'
  }
}

function nameOf(error: unknown): string {
  try {
    const { name } = (error ?? {}) as { readonly name?: unknown }
    if (typeof name === 'string') return name
  } catch {
    // A getter may throw.
  }
  return 'Error'
}

function formatLocation(namespace: string | undefined, key: string | undefined): string {
  if (namespace === undefined) return ''
  return ` (in ${quote(namespace)}${key === undefined ? '' : `, key ${quote(key)}`})`
}

/**
 * Formats a received value for an error message: a string in quotes and cut to 60 characters, an
 * object or a function by its type, another primitive as it is.
 */
export function quote(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return describeObject(value, builtInName(value))
}
