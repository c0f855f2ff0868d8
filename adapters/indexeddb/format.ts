import type { IDBPDatabase } from 'idb'
import { noop } from '../../src/async.ts'
import { quote, StoreError } from '../../src/errors.ts'

/** The format of what is stored: the version of the database. */
export const FORMAT = 1
/** The entries by key. */
export const ENTRIES = 'entries'
/** The index of the entries that expire, by when. */
export const EXPIRY = 'x'
/** What there is to say of the database itself. */
export const META = 'meta'
/** In `META`: what tells the database from one made anew under its name. */
export const IDENTITY = 'database'

/** Makes the stores of a new database. */
export function create(db: IDBPDatabase): void {
  db.createObjectStore(ENTRIES).createIndex(EXPIRY, EXPIRY)
  const identity = { id: crypto.getRandomValues(new Uint32Array(4)).join('-') }
  db.createObjectStore(META).put(identity, IDENTITY).catch(noop)
}

/** @throws StoreError `CORRUPT` if somebody else made the database under this name */
export function checkOurs(db: IDBDatabase): void {
  if (!isOurs(db)) {
    throw new StoreError('CORRUPT', `The database ${quote(db.name)} is none that botshelf made.`)
  }
}

function isOurs(db: IDBDatabase): boolean {
  const { objectStoreNames: names } = db
  if (!names.contains(ENTRIES) || !names.contains(META)) return false
  try {
    const entries = db.transaction(ENTRIES).objectStore(ENTRIES)
    const isIndexed = entries.indexNames.contains(EXPIRY)
    return isIndexed && entries.keyPath === null && entries.index(EXPIRY).keyPath === EXPIRY
  } catch {
    // It is closed already; whoever uses it will see.
    return true
  }
}
