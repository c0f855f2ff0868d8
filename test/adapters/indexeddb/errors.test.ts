import { describe, expect, test } from 'vitest'
import { fromOpenError, fromTransactionError } from '../../../adapters/indexeddb/errors.ts'

const lost = { code: 'CONNECTION_LOST', retryable: true }
const full = { code: 'QUOTA_EXCEEDED', retryable: false }
const denied = { code: 'UNAVAILABLE', retryable: false }
const tooLarge = { code: 'TOO_LARGE', retryable: false }
const corrupt = { code: 'CORRUPT', retryable: false }
const corruptNow = { code: 'CORRUPT', retryable: true }

const FIREFOX_TEXT =
  'The operation failed for reasons unrelated to the database itself and not covered by any other error code.'

// The texts of browsers, by the name of the error.
const OPEN: [engine: string, name: string, message: string, expected: object][] = [
  ['Chromium', 'UnknownError', 'Internal error opening backing store for indexedDB.open.', lost],
  ['Chromium', 'UnknownError', 'Internal error retrieving bucket data directory.', lost],
  ['Chromium', 'UnknownError', 'Internal error.', lost],
  [
    'Chromium',
    'QuotaExceededError',
    'Encountered full disk while opening backing store for indexedDB.open.',
    full,
  ],
  ['Chromium', 'UnknownError', 'The user denied permission to access the database.', denied],
  ['Chromium', 'SecurityError', 'The user denied permission to access the database.', denied],
  [
    'Chromium',
    'UnknownError',
    'Connection is closing because of: IO error: /p/000003.log: FILE_ERROR_NO_SPACE',
    full,
  ],
  ['WebKit', 'UnknownError', 'Unable to open database file on disk', lost],
  ['WebKit', 'UnknownError', 'Unable to establish IDB database file', lost],
  ['WebKit', 'UnknownError', 'Error creating or migrating Records table in database', lost],
  ['WebKit', 'UnknownError', 'Error creating Records table (13) - database or disk is full', full],
  [
    'WebKit',
    'UnknownError',
    'Connection to Indexed Database server lost. Refresh the page to try again',
    lost,
  ],
  [
    'WebKit',
    'InvalidStateError',
    'Connection to Indexed Database server lost. Refresh the page to try again',
    lost,
  ],
  [
    'WebKit',
    'UnknownError',
    'An internal error was encountered in the Indexed Database server',
    lost,
  ],
  ['Firefox', 'UnknownError', FIREFOX_TEXT, lost],
  [
    'Firefox',
    'InvalidStateError',
    'A mutation operation was attempted on a database that did not allow mutations.',
    denied,
  ],
  ['a later browser', 'UnknownError', 'Words that are in no table.', lost],
  ['a later browser', 'UnknownError', '', lost],
]

describe('an error of opening a database', () => {
  test.each(OPEN)('%s, %s: %s', (_, name, message, expected) => {
    const error = fromOpenError(new DOMException(message, name))
    expect(error).toMatchObject({ ...expected, outcome: 'not-applied' })
    expect(error.cause).toMatchObject({ name, message })
  })
})

test('opening that fails without an error can be retried', () => {
  expect(fromOpenError(null)).toMatchObject({ ...lost, outcome: 'not-applied' })
})

const TRANSACTION: typeof OPEN = [
  ['Chromium', 'UnknownError', 'Connection is closing because of: Force close delete origin', lost],
  ['Chromium', 'UnknownError', 'Internal error.', lost],
  [
    'Chromium 134 and later',
    'NotReadableError',
    'Data lost due to missing file. Affected record should be considered irrecoverable',
    corrupt,
  ],
  ['Chromium 134 and later', 'UnknownError', 'Failed to read large IndexedDB value', corruptNow],
  ['Chromium', 'DataError', 'Failed to read large IndexedDB value', corruptNow],
  ['Chromium', 'NotFoundError', 'Failed to read large IndexedDB value', corruptNow],
  ['Chromium', 'UnknownError', 'Maximum IPC message size exceeded.', tooLarge],
  [
    'Chromium',
    'UnknownError',
    'The serialized keys and/or value are too large (size=136314893 bytes, max=133169152 bytes).',
    tooLarge,
  ],
  [
    'Firefox',
    'UnknownError',
    'The serialized value is too large (size=262901152 bytes, max=257949696 bytes).',
    tooLarge,
  ],
  [
    'Chromium',
    'AbortError',
    'Connection is closing because of: IO error: /p/000003.log: FILE_ERROR_NO_SPACE',
    full,
  ],
  ['Firefox', 'UnknownError', FIREFOX_TEXT, corrupt],
  ['Firefox', 'QuotaExceededError', 'The quota has been exceeded.', full],
  [
    'WebKit',
    'UnknownError',
    'Connection to Indexed Database server lost. Refresh the page to try again',
    lost,
  ],
  [
    'WebKit',
    'UnknownError',
    'Attempt to get a record from database without an in-progress transaction',
    lost,
  ],
  ['WebKit', 'UnknownError', 'Error looking up record in object store by key range', lost],
  [
    'WebKit',
    'QuotaExceededError',
    'Failed to store record in database because no enough space for domain',
    full,
  ],
  ['WebKit', 'TimeoutError', 'Transaction timed out due to inactivity.', lost],
  ['a later browser', 'UnknownError', 'Words that are in no table.', lost],
]

describe('an error of a transaction that has not requested its commit', () => {
  test.each(TRANSACTION)('%s, %s: %s', (_, name, message, expected) => {
    const failure = { outcomeIfLost: 'not-applied', key: 'k' } as const
    const error = fromTransactionError(new DOMException(message, name), failure)
    expect(error).toMatchObject({ ...expected, outcome: 'not-applied', key: 'k' })
  })
})

describe('an error of a transaction that has requested its commit', () => {
  test.each([
    ['the connection was closed', 'Connection is closing because of: Force close', lost],
    ['the connection was closed, the disk full', 'Connection is closing: NO_SPACE', full],
    ['the words are unknown', 'Words that are in no table.', lost],
    ['Firefox names no cause', FIREFOX_TEXT, lost],
  ])('has an unknown outcome if %s', (_, message, expected) => {
    const error = fromTransactionError(new DOMException(message, 'UnknownError'), {
      outcomeIfLost: 'unknown',
    })
    expect(error).toMatchObject({ ...expected, outcome: 'unknown' })
  })

  test('is not applied if the browser has rolled it back', () => {
    const cause = new DOMException('The quota has been exceeded.', 'QuotaExceededError')
    const error = fromTransactionError(cause, { outcomeIfLost: 'unknown' })
    expect(error).toMatchObject({ ...full, outcome: 'not-applied' })
  })
})
