import { IDENTITY_KEY, type StoredIdentity } from './format.ts'
import type { TransactionBody } from './transaction.ts'

// Every database has an identity, which differs in every created database. If the identity under a
// name has changed, the database was deleted and created again.

/** The transaction body, for `META_STORE`, that reads the identity. */
export const readIdentityBody: TransactionBody<string | undefined> = (meta, finish, onSuccess) => {
  const request: IDBRequest<StoredIdentity | undefined> = meta.get(IDENTITY_KEY)
  onSuccess([request], () => finish(request.result?.id))
}

// The identity that was used last is kept in localStorage, outside IndexedDB: Chromium (measured with
// 156) opens a database with damaged files without an error, as a new and empty one. If the user
// clears the site's data, both are cleared. Workers have no localStorage, and the browser may deny it
// to a page; there, nothing is remembered between visits.

/** Returns the identity that was used last under the name of a database, if it is remembered. */
export function loadIdentity(database: string): string | undefined {
  try {
    return localStorage.getItem(`botshelf:${database}`) ?? undefined
  } catch {
    return undefined
  }
}

/** Remembers the identity that was used last, if possible. */
export function saveIdentity(database: string, identity: string): void {
  try {
    localStorage.setItem(`botshelf:${database}`, identity)
  } catch {
    // There is no localStorage, or it is full.
  }
}

/** Forgets the identity that was used last: the database was deleted on purpose. */
export function forgetIdentity(database: string): void {
  try {
    localStorage.removeItem(`botshelf:${database}`)
  } catch {
    // There is no localStorage.
  }
}
