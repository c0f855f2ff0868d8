import { deleteDB, openDB, unwrap } from 'idb'
import { noop } from '../../src/async.ts'
import { quote, StoreError } from '../../src/errors.ts'
import { fromOpenError, retryIfLost } from './errors.ts'
import { createStores, FORMAT_VERSION, hasStores } from './format.ts'
import { forgetIdentity } from './identity.ts'

export interface TimeoutOptions {
  readonly openTimeoutMs: number
  /** Called when `openTimeoutMs` has passed. `reason` is half a sentence for people. */
  readonly onTimeout: (reason: string) => void
}

export interface OpenDatabaseOptions extends TimeoutOptions {
  readonly name: string
  /** Called when another tab wants to delete or upgrade the database; close `db` then. */
  readonly onVersionChange: (db: IDBDatabase, isDeletion: boolean) => void
  /** Called when the browser has closed the connection. */
  readonly onTerminated: (db: IDBDatabase) => void
}

/**
 * Opens a database, and creates it if there is none.
 *
 * @throws StoreError `UNAVAILABLE`, `BLOCKED`, `VERSION_MISMATCH`, `QUOTA_EXCEEDED`, `CORRUPT`,
 * `CONNECTION_LOST`
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<IDBDatabase> {
  // If the database was deleted while it was being opened, a second attempt creates it.
  return retryIfLost(() =>
    openOnce(options).catch((error: unknown) => {
      throw fromOpenError(error)
    }),
  )
}

async function openOnce(options: OpenDatabaseOptions): Promise<IDBDatabase> {
  // Set before the first event of the connection: idb adds the listeners in the same turn.
  let rawDb: IDBDatabase | undefined
  let upgradeError: unknown
  // idb converts the events of opening and upgrading to promises. Transactions use raw requests.
  const opening = openDB(options.name, FORMAT_VERSION, {
    upgrade(newDb, _from, _to, transaction) {
      transaction.done.catch((error: unknown) => (upgradeError = error))
      createStores(newDb)
    },
    blocking: (_from, to) => rawDb && options.onVersionChange(rawDb, to === null),
    terminated: () => rawDb && options.onTerminated(rawDb),
  }).then((idbDb) => (rawDb = unwrap(idbDb)))
  const db = await withTimeout(opening, 'opening', {
    openTimeoutMs: options.openTimeoutMs,
    onTimeout: (reason) => {
      // The request cannot be cancelled. If it succeeds later, its connection must not block others.
      opening.then((openDb) => openDb.close(), noop)
      options.onTimeout(reason)
    },
  }).catch((error: unknown) => {
    // The request itself fails with an AbortError; the upgrade has the reason.
    throw upgradeError ?? error
  })
  if (!hasStores(db)) {
    db.close()
    throw new StoreError(
      'CORRUPT',
      `Database ${quote(db.name)} was not created by botshelf. Choose another STORAGE_CONFIG.database.`,
    )
  }
  return db
}

/**
 * Deletes a database; there may be none. The other connections to it are asked to close.
 *
 * @throws StoreError `UNAVAILABLE`; `BLOCKED` if it takes longer than the time limit. The browser
 * then still deletes it, once the other connections are closed.
 */
export async function deleteDatabase(name: string, options: TimeoutOptions): Promise<void> {
  try {
    const deletion = deleteDB(name).then(() => forgetIdentity(name))
    await withTimeout(deletion, 'deleting', options)
  } catch (error) {
    throw fromOpenError(error)
  }
}

async function withTimeout<T>(
  request: Promise<T>,
  action: 'opening' | 'deleting',
  { openTimeoutMs, onTimeout }: TimeoutOptions,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const reason = `${action} took more than ${openTimeoutMs} ms; another tab may hold the database`
      onTimeout(reason)
      const message = `The database is blocked: ${reason}. Close or reload the other tabs of this site.`
      reject(
        new StoreError('BLOCKED', message, {
          outcome: action === 'deleting' ? 'unknown' : 'not-applied',
        }),
      )
    }, openTimeoutMs)
  })
  try {
    return await Promise.race([request, timeout])
  } finally {
    clearTimeout(timer)
  }
}
