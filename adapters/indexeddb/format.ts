import type { IDBPDatabase } from 'idb'
import { noop } from '../../src/async.ts'

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

/** Returns whether a database has botshelf's object stores. If not, other software created it. */
export function hasStores(db: IDBDatabase): boolean {
  const { objectStoreNames: names } = db
  if (!names.contains(ENTRIES_STORE) || !names.contains(META_STORE)) return false
  try {
    const entries = db.transaction(ENTRIES_STORE).objectStore(ENTRIES_STORE)
    const isIndexed = entries.indexNames.contains(EXPIRY_INDEX)
    return (
      isIndexed && entries.keyPath === null && entries.index(EXPIRY_INDEX).keyPath === EXPIRY_INDEX
    )
  } catch {
    // The connection is closed already. Its first use reports that.
    return true
  }
}
