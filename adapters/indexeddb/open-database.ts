import { openDB, unwrap } from 'idb'
import { noop } from '../../src/async.ts'
import { quote, StoreError } from '../../src/errors.ts'
import { fromOpenError } from './errors.ts'
import { createStores, FORMAT, hasStores } from './format.ts'

export interface OpenOptions {
  readonly name: string
  readonly openTimeoutMs: number
  /** Called when `openTimeoutMs` has passed. `reason` is half a sentence for people. */
  readonly onBlocked: (reason: string) => void
  /** Called when another page wants to delete or upgrade the database; close `db` then. */
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
export async function openDatabase(options: OpenOptions): Promise<IDBDatabase> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openOnce(options)
    } catch (error) {
      const failure = fromOpenError(error)
      // If the database was deleted while it was being opened, a second attempt creates it.
      if (failure.code !== 'CONNECTION_LOST' || attempt === 2) throw failure
    }
  }
}

async function openOnce(options: OpenOptions): Promise<IDBDatabase> {
  let db: IDBDatabase | undefined
  let upgradeError: unknown
  const opening = openDB(options.name, FORMAT, {
    upgrade(upgraded, _from, _to, transaction) {
      transaction.done.catch((error: unknown) => (upgradeError = error))
      createStores(upgraded)
    },
    blocking: (_from, to) => db && options.onVersionChange(db, to === null),
    terminated: () => db && options.onTerminated(db),
  }).then((wrapped) => (db = unwrap(wrapped)))
  const opened = await withTimeout(opening, options).catch((error: unknown) => {
    // The request itself fails with an AbortError; the upgrade has the reason.
    throw upgradeError ?? error
  })
  if (!hasStores(opened)) {
    opened.close()
    throw new StoreError(
      'CORRUPT',
      `Database ${quote(opened.name)} was not created by botshelf. Choose another STORAGE_CONFIG.database.`,
    )
  }
  return opened
}

async function withTimeout(
  opening: Promise<IDBDatabase>,
  { openTimeoutMs, onBlocked }: OpenOptions,
): Promise<IDBDatabase> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // The request cannot be cancelled. If it succeeds later, its connection must not block others.
      opening.then((db) => db.close(), noop)
      const reason = `another tab has held the database for ${openTimeoutMs} ms`
      onBlocked(reason)
      const advice = 'Close or reload the other tabs of this site.'
      reject(new StoreError('BLOCKED', `The database cannot be opened: ${reason}. ${advice}`))
    }, openTimeoutMs)
  })
  try {
    return await Promise.race([opening, timeout])
  } finally {
    clearTimeout(timer)
  }
}
