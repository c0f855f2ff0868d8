import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  textOf,
  type WriteOutcome,
} from '../../src/errors.ts'

interface KnownError {
  readonly code: StoreErrorCode
  readonly message: string
  readonly retryable?: boolean
}

const LOST: KnownError = {
  code: 'CONNECTION_LOST',
  message: 'The connection to the database was lost. Try again.',
}
const UNREADABLE: KnownError = {
  code: 'CORRUPT',
  message: 'The browser cannot read the stored value. Overwrite or delete its key.',
}
const UNREADABLE_NOW: KnownError = {
  code: 'CORRUPT',
  message: 'The browser could not read the stored value. Try again.',
  retryable: true,
}
const MISSING: KnownError = {
  code: 'UNAVAILABLE',
  message: 'IndexedDB or a related feature is missing. Use a newer browser.',
}
const DENIED: KnownError = {
  code: 'UNAVAILABLE',
  message: 'The browser denies this page access to storage. Allow the site to store data.',
}
const QUOTA: KnownError = {
  code: 'QUOTA_EXCEEDED',
  message:
    'The browser has no room left for this site. Nothing stored is lost. Delete data to make room.',
}
const TOO_LARGE: KnownError = {
  code: 'TOO_LARGE',
  message: 'The browser refuses this size. Store a shorter key or a smaller value.',
}

// Errors whose name says too little, by their words. Any other UnknownError is retryable, such as
// these, which were seen to pass:
//   Chromium  Internal error opening backing store for indexedDB.open. (bucket_context.cc)
//             Connection is closing because of: Force close delete origin (connection.cc)
//   WebKit    Connection to Indexed Database server lost. Refresh the page to try again
//             (IDBConnectionToServer.cpp; a new connection works)
//             Attempt to get a record from database without an in-progress transaction, Error
//             looking up record in object store by key range, Unable to open database file on disk
//             (SQLiteIDBBackingStore.cpp)
//   Firefox   when it opens: the text that is listed below for reads (dexie/Dexie.js#298)
const WORDS: readonly (readonly [words: RegExp, known: KnownError])[] = [
  // Chromium, idb_factory.cc: an UnknownError where the user blocked site data (Chromium 156).
  [/denied permission/, DENIED],
  // Chromium: `Encountered full disk while opening backing store` (bucket_context.cc), and
  // `Connection is closing because of: IO error: …FILE_ERROR_NO_SPACE`. WebKit: `database or disk is
  // full` of SQLite, and `because no enough space for domain` (SQLiteIDBBackingStore.cpp).
  [/full disk|disk is full|NO_SPACE|not? enough space/, QUOTA],
  // Chromium, idb_object_store.cc: `The serialized keys and/or value are too large`, as an
  // UnknownError, also for a key of 64 million characters. Firefox: `The serialized value is too
  // large`. Chromium before 94, for a page of records: `Maximum IPC message size exceeded.`
  [/too large|message size exceeded/, TOO_LARGE],
  // Chromium, idb_request_loader.cc: the file of one value is missing. NotReadableError since 134.
  [/Data lost due to missing file/, UNREADABLE],
  // The same file, for any other reason: `internal, likely transient`. Before 134 a DataError, also
  // if the file is missing.
  [/Failed to read large/, UNREADABLE_NOW],
  // WebKit may give another name to it: the connection is dead, a new one works.
  [/server lost/, LOST],
]

// Firefox has one text for every UnknownError (domerr.msg). A read fails with it if the file of a
// value is missing (measured with Firefox ESR 153).
const FIREFOX_UNKNOWN = /unrelated to the database itself/

// By the name of the error: names are specified, messages differ between browsers.
const NAMES: Readonly<Record<string, KnownError>> = {
  NotReadableError: UNREADABLE,
  DataError: UNREADABLE,
  QuotaExceededError: QUOTA,
  // A page without access to storage, such as a sandboxed frame (Chromium 156).
  SecurityError: DENIED,
  VersionError: {
    code: 'VERSION_MISMATCH',
    message: 'A later version of botshelf upgraded this database. Reload the page.',
  },
  // The user cleared the site's data (Chromium 156), or the page was in the background (Safari).
  UnknownError: LOST,
  // Opening: the database was deleted meanwhile.
  AbortError: LOST,
  // The transaction began on a closed connection (Chromium 156).
  InvalidStateError: LOST,
  // The transaction was idle for too long (WebKit).
  TimeoutError: LOST,
}

const OPEN_NAMES: typeof NAMES = {
  ...NAMES,
  // `indexedDB`, one of its methods, or BroadcastChannel is missing. The cause says which.
  ReferenceError: MISSING,
  TypeError: MISSING,
  // A private window of an old version of Firefox.
  InvalidStateError: DENIED,
}

export interface TransactionFailure {
  /** What became of the transaction if its connection was lost; otherwise it was rolled back. */
  readonly outcomeIfLost: WriteOutcome
  /** The key of the record that could not be read or written. */
  readonly key?: string | undefined
}

/** Converts the error of an attempt to open, list or delete databases. The attempt changed nothing. */
export function fromOpenError(error: unknown): StoreError {
  return convertError(error, OPEN_NAMES, { outcomeIfLost: 'not-applied' })
}

/** Converts the error of a transaction that was aborted. `error` is `null` if it has none. */
export function fromTransactionError(error: unknown, failure: TransactionFailure): StoreError {
  return convertError(error, NAMES, failure)
}

function convertError(
  error: unknown,
  names: typeof NAMES,
  { outcomeIfLost, key }: TransactionFailure,
): StoreError {
  if (isStoreError(error)) return error
  const message = textOf(error)
  let known: KnownError | undefined
  // The adapter never aborts a transaction without an error, so its connection was lost.
  if (error === null) known = LOST
  else if (error instanceof Error) {
    const isFailedRead =
      names === NAMES && outcomeIfLost === 'not-applied' && FIREFOX_UNKNOWN.test(message)
    // Only a transaction that may have written has an unknown outcome.
    known = isFailedRead
      ? UNREADABLE
      : (WORDS.find(([words]) => words.test(message))?.[1] ?? names[error.name])
  }
  const isLost = known === LOST || message.includes('Connection is closing')
  const { code, retryable } = known ?? { code: 'BACKEND_ERROR' }
  return new StoreError(code, known?.message ?? `Unexpected database error: ${message}`, {
    outcome: isLost ? outcomeIfLost : 'not-applied',
    retryable,
    key,
    ...(error !== null && { cause: error }),
  })
}
