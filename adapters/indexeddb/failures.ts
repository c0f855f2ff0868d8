import { isStoreError, StoreError, type StoreErrorCode } from '../../src/errors.js'

type Failure = readonly [code: StoreErrorCode, message: string]

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

const READING: Readonly<Record<string, Failure>> = {
  NotReadableError: ['CORRUPT', 'The browser cannot read a value that it keeps.'],
  DataError: ['CORRUPT', 'The browser cannot read a value that it keeps.'],
}

const WRITING: Readonly<Record<string, Failure>> = {
  QuotaExceededError: [
    'QUOTA_EXCEEDED',
    'The browser has no room left for this site; what was stored before is intact.',
  ],
}

/** Why a database could not be opened. Nothing was changed. */
export function failedOpen(error: unknown): StoreError {
  if (isStoreError(error)) return error
  if (!(error instanceof DOMException)) {
    // There is no `indexedDB` at all, or it lacks what is asked of it.
    const unknown = error instanceof ReferenceError || error instanceof TypeError
    const message = `The browser offers no IndexedDB: ${String(error)}`
    return new StoreError(unknown ? 'UNAVAILABLE' : 'BACKEND_ERROR', message, {
      outcome: 'not-applied',
      cause: error,
    })
  }
  if (serverLost(error)) return connectionLost(error, 'not-applied')
  if (isDenied(error)) return named({ UnknownError: DENIED }, error, 'not-applied')
  return named(OPENING, error, 'not-applied')
}

/** Why a transaction that only read was aborted. */
export function failedRead(error: unknown): StoreError {
  if (isStoreError(error)) return error
  if (isTooLarge(error)) return tooLarge(error)
  return isConnectionLost(error)
    ? connectionLost(error, 'not-applied')
    : named(READING, error, 'not-applied')
}

/**
 * Why a transaction that wrote was aborted. It was rolled back, unless the connection went with
 * it: then nobody can tell.
 */
export function failedWrite(error: unknown): StoreError {
  if (isStoreError(error)) return error
  if (isTooLarge(error)) return tooLarge(error)
  return isConnectionLost(error)
    ? connectionLost(error, 'unknown')
    : named(WRITING, error, 'not-applied')
}

// A transaction that nobody aborted, and that is aborted without an error of its own, fell with
// its connection.
function isConnectionLost(error: unknown): boolean {
  if (error === null || !(error instanceof DOMException)) return error === null
  return (
    error.name === 'UnknownError' ||
    error.name === 'AbortError' ||
    error.name === 'InvalidStateError'
  )
}

// Chromium, of a key of about 64 million characters: an UnknownError like those of a lost connection.
function isTooLarge(error: unknown): boolean {
  return error instanceof DOMException && error.message.includes('too large')
}

function tooLarge(cause: unknown): StoreError {
  return new StoreError('TOO_LARGE', `The browser does not take it: ${String(cause)}`, { cause })
}

// Chromium, where a person has blocked the site's data: an UnknownError like that of a damaged file.
function isDenied({ name, message }: DOMException): boolean {
  return name === 'UnknownError' && message.includes('denied permission')
}

// Safari, after a page was in the background: the handle is dead, a new one works.
function serverLost({ message }: DOMException): boolean {
  return message.includes('server lost')
}

function connectionLost(error: unknown, outcome: 'not-applied' | 'unknown'): StoreError {
  return new StoreError('CONNECTION_LOST', 'The browser closed the database.', {
    outcome,
    ...(error === null ? {} : { cause: error }),
  })
}

function named(
  table: Readonly<Record<string, Failure>>,
  error: unknown,
  outcome: 'not-applied',
): StoreError {
  const name = error instanceof Error ? error.name : ''
  const [code, message] = (Object.hasOwn(table, name) ? table[name] : undefined) ?? [
    'BACKEND_ERROR',
    `The browser's database failed: ${String(error)}`,
  ]
  return new StoreError(code, message, { outcome, cause: error })
}
