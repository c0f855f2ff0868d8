import type { IDBPDatabase } from 'idb'
import { noop } from '../../src/async.ts'

/** The format of the stored data. It is the version number of the database. */
export const FORMAT = 1
/** The object store of the entries, by key. */
export const ENTRIES_STORE = 'entries'
/** The index of the entries that expire, by expiry. An entry without expiry is not in it. */
export const EXPIRY_INDEX = 'x'
/** The object store of what concerns the whole database. */
export const META_STORE = 'meta'
/** In `META_STORE`: `{ id }`, a random text that a new database of the same name does not share. */
export const IDENTITY_KEY = 'database'
/** In `META_STORE`: when the relaxed writes before it were last put on disk. */
export const SYNCED_KEY = 'synced'

/** Creates the object stores of a new database. */
export function createStores(db: IDBPDatabase): void {
  db.createObjectStore(ENTRIES_STORE).createIndex(EXPIRY_INDEX, EXPIRY_INDEX)
  const identity = { id: crypto.getRandomValues(new Uint32Array(4)).join('-') }
  db.createObjectStore(META_STORE).put(identity, IDENTITY_KEY).catch(noop)
}

/** Returns whether a database has our object stores. If not, other software created it. */
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
