import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  type WriteOutcome,
} from '../../src/errors.ts'

type CodeAndMessage = readonly [code: StoreErrorCode, message: string]

const LOST: CodeAndMessage = ['CONNECTION_LOST', 'The browser closed the database. Try again.']
const UNREADABLE: CodeAndMessage = [
  'CORRUPT',
  'The browser cannot read the stored data. Restore a backup.',
]
const DENIED: CodeAndMessage = [
  'UNAVAILABLE',
  'The browser denies this page access to storage. Allow the site to store data.',
]
const QUOTA: CodeAndMessage = [
  'QUOTA_EXCEEDED',
  'The browser has no room left for this site. Stored data is intact; delete some.',
]

// By the name of the DOMException: names are specified, messages differ between browsers.
const OPEN_ERRORS: Readonly<Record<string, CodeAndMessage>> = {
  SecurityError: DENIED,
  // Private windows of old versions of Firefox.
  InvalidStateError: DENIED,
  VersionError: [
    'VERSION_MISMATCH',
    'A later version of botshelf upgraded this database. Reload the page.',
  ],
  QuotaExceededError: QUOTA,
  AbortError: LOST,
  UnknownError: UNREADABLE,
}

const TRANSACTION_ERRORS: Readonly<Record<string, CodeAndMessage>> = {
  NotReadableError: UNREADABLE,
  DataError: UNREADABLE,
  QuotaExceededError: QUOTA,
  UnknownError: LOST,
  AbortError: LOST,
  InvalidStateError: LOST,
}

/** Converts the error of an attempt to open a database, which changed nothing. */
export function fromOpenError(error: unknown): StoreError {
  if (isStoreError(error)) return error
  if (!(error instanceof DOMException)) {
    // `indexedDB` is undefined, or lacks a method.
    const isMissing = error instanceof ReferenceError || error instanceof TypeError
    const message = `IndexedDB is missing here: ${String(error)}`
    return toError([isMissing ? 'UNAVAILABLE' : 'BACKEND_ERROR', message], error)
  }
  const { name, message } = error
  // Safari, after a page was in the background: the connection is dead, a new one works.
  if (message.includes('server lost')) return toError(LOST, error)
  // Chromium throws an UnknownError, as for damaged files, where the user has blocked site data.
  const isDenied = name === 'UnknownError' && message.includes('denied permission')
  return toError(isDenied ? DENIED : OPEN_ERRORS[name], error)
}

/**
 * Converts the error of a transaction that was aborted; `null` if it has none. The transaction was
 * rolled back, unless its connection was lost: then the outcome is `outcomeIfLost`.
 */
export function fromTransactionError(error: unknown, outcomeIfLost: WriteOutcome): StoreError {
  if (isStoreError(error)) return error
  // It was aborted without an error, and not by us: its connection was lost.
  if (error === null) return toError(LOST, error, outcomeIfLost)
  if (!(error instanceof DOMException)) return toError(undefined, error)
  // Chromium throws an UnknownError, as for a lost connection, for a key of 64 million characters.
  if (error.message.includes('too large')) {
    return toError(['TOO_LARGE', `The browser refuses this size: ${String(error)}`], error)
  }
  return toError(TRANSACTION_ERRORS[error.name], error, outcomeIfLost)
}

function toError(
  known: CodeAndMessage | undefined,
  cause: unknown,
  outcomeIfLost: WriteOutcome = 'not-applied',
): StoreError {
  const [code, message] = known ?? ['BACKEND_ERROR', `Unexpected database error: ${String(cause)}`]
  return new StoreError(code, message, {
    outcome: known === LOST ? outcomeIfLost : 'not-applied',
    ...(cause !== null && { cause }),
  })
}
