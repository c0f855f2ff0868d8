/** What went wrong. The list is closed and only grows; match on it, never on a message. */
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

/** What became of the write that failed: `unknown` means it may be stored, or may not. */
export type WriteOutcome = 'not-applied' | 'applied' | 'unknown'

export interface StoreErrorDetails {
  readonly namespace?: string | undefined
  readonly key?: string | undefined
  /** The default follows from the code. */
  readonly outcome?: WriteOutcome | undefined
  /** May the same call succeed if it is made again, after a pause? The default follows from the code. */
  readonly retryable?: boolean | undefined
  /** The platform's own error. */
  readonly cause?: unknown
}

const RETRYABLE: readonly StoreErrorCode[] = [
  'RATE_LIMITED',
  'CONNECTION_LOST',
  'BLOCKED',
  'TIMEOUT',
  'CONFLICT',
]

// After these, a write may have been applied, unless the backend knows better.
const UNCERTAIN: readonly StoreErrorCode[] = [
  'OVERLOADED',
  'CONNECTION_LOST',
  'TIMEOUT',
  'BACKEND_ERROR',
]

/**
 * The one error botshelf raises. `name` and `code` are own fields, so that they survive where a
 * class does not (a second copy of the library, a structured clone).
 */
export class StoreError extends Error {
  override readonly name: string = 'StoreError'
  readonly code: StoreErrorCode
  readonly namespace: string | undefined
  readonly key: string | undefined
  readonly outcome: WriteOutcome
  readonly retryable: boolean

  constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails = {}) {
    const { namespace, key } = details
    // Of the options an Error looks at `cause` alone, and whether it is there.
    super(message + placeOf(namespace, key), details)
    this.code = code
    this.namespace = namespace
    this.key = key
    this.outcome = details.outcome ?? (UNCERTAIN.includes(code) ? 'unknown' : 'not-applied')
    this.retryable = details.retryable ?? RETRYABLE.includes(code)
  }
}

/** Is this a `StoreError`, whichever copy of botshelf made it? */
export function isStoreError(error: unknown): error is StoreError {
  const { name, code } = (error ?? {}) as Partial<StoreError>
  return name === 'StoreError' && typeof code === 'string'
}

// Errors that one operation can cause for its whole batch.
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
 * Says where an error happened. A `StoreError` keeps its code and gains the place; anything else
 * is a backend's own error and becomes the cause of a `BACKEND_ERROR`.
 */
export function toStoreError(error: unknown, place: StoreErrorDetails): StoreError {
  if (!isStoreError(error)) {
    const words = error instanceof Error ? error.message : String(error)
    const details = { ...place, cause: error }
    return new StoreError('BACKEND_ERROR', `The storage failed: ${words}`, details)
  }
  if (error.namespace !== undefined) return error
  return new StoreError(error.code, error.message, {
    namespace: place.namespace,
    key: error.key ?? place.key,
    retryable: error.retryable,
    ...('cause' in error && { cause: error.cause }),
    // A read has nothing to apply, whatever the backend says.
    outcome: place.outcome === 'not-applied' ? place.outcome : error.outcome,
  })
}

function placeOf(namespace: string | undefined, key: string | undefined): string {
  if (namespace === undefined) return ''
  return ` (in ${quote(namespace)}${key === undefined ? '' : `, key ${quote(key)}`})`
}

/** A name as it is shown in a message: quoted, and never longer than a line. */
export function quote(name: unknown): string {
  if (typeof name !== 'string') return typeof name
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 57)}...` : name)
}
