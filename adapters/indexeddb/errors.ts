import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  type WriteOutcome,
} from '../../src/errors.ts'

type Failure = readonly [code: StoreErrorCode, message: string]

const LOST: Failure = ['CONNECTION_LOST', 'The browser closed the database.']
const UNREADABLE: Failure = ['CORRUPT', 'The browser cannot read a value that it keeps.']
const DENIED: Failure = ['UNAVAILABLE', 'The browser denies this page its storage.']

// By the name of the DOMException. The words differ between browsers; the names are specified.
const OPENING: Readonly<Record<string, Failure>> = {
  SecurityError: DENIED,
  // How Firefox once answered in private windows.
  InvalidStateError: DENIED,
  VersionError: [
    'VERSION_MISMATCH',
    'A later version of botshelf has made this database anew; load the page again.',
  ],
  QuotaExceededError: [
    'QUOTA_EXCEEDED',
    'The browser has no room left for this site, not even for a new database.',
  ],
  AbortError: ['CONNECTION_LOST', 'The database was closed while it was opened.'],
  UnknownError: ['CORRUPT', 'The browser cannot open the database that it keeps.'],
}

const USING: Readonly<Record<string, Failure>> = {
  NotReadableError: UNREADABLE,
  DataError: UNREADABLE,
  QuotaExceededError: [
    'QUOTA_EXCEEDED',
    'The browser has no room left for this site; what was stored before is intact.',
  ],
  UnknownError: LOST,
  AbortError: LOST,
  InvalidStateError: LOST,
}

/** Why a database could not be opened. Nothing was changed. */
export function fromOpenError(error: unknown): StoreError {
  if (isStoreError(error)) return error
  if (!(error instanceof DOMException)) {
    // There is no `indexedDB` at all, or it lacks what is asked of it.
    const unknown = error instanceof ReferenceError || error instanceof TypeError
    const message = `The browser offers no IndexedDB: ${String(error)}`
    return failure([unknown ? 'UNAVAILABLE' : 'BACKEND_ERROR', message], error)
  }
  const { name, message } = error
  // Safari, after a page was in the background: the handle is dead, a new one works.
  if (message.includes('server lost')) return failure(LOST, error)
  // Chromium, where a person has blocked the site's data: an UnknownError like that of a damaged file.
  const isDenied = name === 'UnknownError' && message.includes('denied permission')
  return failure(isDenied ? DENIED : OPENING[name], error)
}

/**
 * Why a transaction was aborted; `null` is for no error of its own. It was rolled back, unless the
 * connection went with it: then `lost` says whether it may have been applied.
 */
export function fromTransactionError(error: unknown, lost: WriteOutcome): StoreError {
  if (isStoreError(error)) return error
  // A transaction that nobody aborted, and that is aborted without an error of its own, fell with
  // its connection.
  if (error === null) return failure(LOST, error, lost)
  if (!(error instanceof DOMException)) return failure(undefined, error)
  // Chromium, of a key of about 64 million characters: an UnknownError like those of a lost connection.
  if (error.message.includes('too large')) {
    return failure(['TOO_LARGE', `The browser does not take it: ${String(error)}`], error)
  }
  return failure(USING[error.name], error, lost)
}

function failure(
  known: Failure | undefined,
  error: unknown,
  lost: WriteOutcome = 'not-applied',
): StoreError {
  const [code, message] = known ?? [
    'BACKEND_ERROR',
    `The browser's database failed: ${String(error)}`,
  ]
  return new StoreError(code, message, {
    outcome: known === LOST ? lost : 'not-applied',
    ...(error !== null && { cause: error }),
  })
}
