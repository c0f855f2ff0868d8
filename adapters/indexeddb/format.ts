import type { IDBPDatabase } from 'idb'
import { noop } from '../../src/async.ts'
import { quote, StoreError } from '../../src/errors.ts'

/** The version of the stored format. It is the version number of the database. */
export const FORMAT_VERSION = 1
/** The object store of the entries, by key. */
export const ENTRIES_STORE = 'entries'
/**
 * The index of the entries that expire, by expiry. It is both the name of the index and its key
 * path, `StoredEntry.x`. An entry that never expires is not in it.
 */
export const EXPIRY_INDEX = 'x'
/** The object store of metadata about the database: see `IDENTITY_KEY` and `LAST_SYNC_KEY`. */
export const META_STORE = 'meta'
/** The key, in `META_STORE`, of the identity of the database. */
export const IDENTITY_KEY = 'database'
/**
 * The key, in `META_STORE`, of the time of the last sync, in milliseconds since 1970. It is never
 * read: writing it makes the browser flush earlier writes to disk.
 */
export const LAST_SYNC_KEY = 'synced'

/** What is stored under `IDENTITY_KEY`. */
export interface StoredIdentity {
  /** A random text, chosen when the database was created. */
  readonly id: string
}

/** Creates the object stores of a new database. */
export function createStores(db: IDBPDatabase): void {
  db.createObjectStore(ENTRIES_STORE).createIndex(EXPIRY_INDEX, EXPIRY_INDEX)
  // If this fails, the upgrade transaction reports the error.
  db.createObjectStore(META_STORE)
    .put(
      { id: crypto.getRandomValues(new Uint32Array(4)).join('-') } satisfies StoredIdentity,
      IDENTITY_KEY,
    )
    .catch(noop)
}

/**
 * Begins a transaction that reads both object stores. Returns `undefined` if the connection is closed
 * already: its first use reports that.
 *
 * @throws StoreError `CORRUPT` if other software created the database
 */
export function beginReading(db: IDBDatabase): IDBTransaction | undefined {
  try {
    const transaction = db.transaction([ENTRIES_STORE, META_STORE])
    const entries = transaction.objectStore(ENTRIES_STORE)
    if (entries.keyPath === null && entries.index(EXPIRY_INDEX).keyPath === EXPIRY_INDEX)
      return transaction
  } catch (error) {
    // Otherwise a store or the index is missing.
    if ((error as Error).name !== 'NotFoundError') return undefined
  }
  db.close()
  throw new StoreError(
    'CORRUPT',
    `Database ${quote(db.name)} was not created by botshelf. Choose another STORAGE_CONFIG.database.`,
  )
}
