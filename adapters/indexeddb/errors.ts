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
const MISSING: CodeAndMessage = [
  'UNAVAILABLE',
  'IndexedDB or a related feature is missing. Use a newer browser.',
]
const DENIED: CodeAndMessage = [
  'UNAVAILABLE',
  'The browser denies this page access to storage. Allow the site to store data.',
]
const QUOTA: CodeAndMessage = [
  'QUOTA_EXCEEDED',
  'The browser has no room left for this site. Nothing stored is lost. Delete data to make room.',
]

// By the name of the error: names are specified, messages differ between browsers.
const OPEN_ERRORS: Readonly<Record<string, CodeAndMessage>> = {
  // `indexedDB`, one of its methods, or BroadcastChannel is missing. The cause says which.
  ReferenceError: MISSING,
  TypeError: MISSING,
  // A page without access to storage, such as a sandboxed frame (Chromium 156).
  SecurityError: DENIED,
  // A private window of an old version of Firefox.
  InvalidStateError: DENIED,
  VersionError: [
    'VERSION_MISMATCH',
    'A later version of botshelf upgraded this database. Reload the page.',
  ],
  QuotaExceededError: QUOTA,
  // The database was deleted while it was being opened.
  AbortError: LOST,
  // The browser cannot open its files (Chromium 156).
  UnknownError: UNREADABLE,
}

const TRANSACTION_ERRORS: Readonly<Record<string, CodeAndMessage>> = {
  NotReadableError: UNREADABLE,
  DataError: UNREADABLE,
  QuotaExceededError: QUOTA,
  // The user cleared the site's data (Chromium 156), or the page was in the background (Safari).
  UnknownError: LOST,
  AbortError: LOST,
  // The transaction began on a closed connection (Chromium 156).
  InvalidStateError: LOST,
}

/** Calls `attempt` once more if the connection was lost before anything was applied. */
export async function retryIfLost<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    const isLost = isStoreError(error) && error.code === 'CONNECTION_LOST'
    if (!isLost || error.outcome === 'unknown') throw error
    return attempt()
  }
}

/** Converts the error of an attempt to open a database. The attempt changed nothing. */
export function fromOpenError(error: unknown): StoreError {
  if (isStoreError(error)) return error
  if (!(error instanceof Error)) return createError(undefined, error)
  const { name, message } = error
  // Safari, after a page was in the background: the connection is dead, a new one works.
  if (message.includes('server lost')) return createError(LOST, error)
  // If the user blocked site data, Chromium throws UnknownError, as it does for damaged files.
  const isDenied = name === 'UnknownError' && message.includes('denied permission')
  return createError(isDenied ? DENIED : OPEN_ERRORS[name], error)
}

/**
 * Converts the error of a transaction that was aborted. `error` is `null` if the transaction has
 * none. The transaction was rolled back, unless its connection was lost: then the outcome is
 * `outcomeIfLost`.
 */
export function fromTransactionError(error: unknown, outcomeIfLost: WriteOutcome): StoreError {
  if (isStoreError(error)) return error
  // The adapter never aborts a transaction without an error, so its connection was lost.
  if (error === null) return createError(LOST, error, outcomeIfLost)
  if (!(error instanceof DOMException)) return createError(undefined, error)
  // For a key of 64 million characters, Chromium throws UnknownError, as for a lost connection.
  if (error.message.includes('too large')) {
    return createError(['TOO_LARGE', `The browser refuses this size: ${String(error)}`], error)
  }
  return createError(TRANSACTION_ERRORS[error.name], error, outcomeIfLost)
}

function createError(
  known: CodeAndMessage | undefined,
  cause: unknown,
  outcomeIfLost: WriteOutcome = 'not-applied',
): StoreError {
  const [code, message] = known ?? ['BACKEND_ERROR', `Unexpected database error: ${String(cause)}`]
  return new StoreError(code, message, {
    outcome: code === 'CONNECTION_LOST' ? outcomeIfLost : 'not-applied',
    ...(cause !== null && { cause }),
  })
}
