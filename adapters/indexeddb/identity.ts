import { limitTime } from '../../src/time-limit.ts'
import { IDENTITY_KEY, META_STORE, type StoredIdentity } from './format.ts'
import type { TransactionBody } from './transaction.ts'

// Every database has an identity, which differs in every created database. If the identity under a
// name has changed, the database was deleted and created again.

/** The body, for a transaction of `beginReading`, that reads the identity. */
export const readIdentityBody: TransactionBody<string | undefined> = (
  { transaction },
  finish,
  onSuccess,
) => {
  const request: IDBRequest<StoredIdentity | undefined> = transaction
    .objectStore(META_STORE)
    .get(IDENTITY_KEY)
  onSuccess([request], () => finish(request.result?.id))
}

// The identity that was used last, the mark, is kept outside IndexedDB: Chromium (measured with 156)
// opens a database with damaged files without an error, as a new and empty one. The mark is an entry
// of the Cache API, which pages and all workers have. Chromium writes it at once, while localStorage
// and cookies are written seconds later, so a browser that is killed loses them (`npm run marks`). If
// the user clears the site's data, the mark is cleared too. Without a secure context, or if the
// browser denies the cache, nothing is remembered between visits.

/** How long to wait for the cache, which `close` and the next connection wait for. */
const TIMEOUT_MS = 1000

/** Returns the identity that was used last under the name of a database, if it is remembered. */
export async function loadIdentity(database: string): Promise<string | undefined> {
  return accessMark(database, async (marks, url) => (await marks.match(url))?.text())
}

/** Remembers the identity that was used last, if possible. */
export async function saveIdentity(database: string, identity: string): Promise<void> {
  await accessMark(database, (marks, url) => marks.put(url, new Response(identity)))
}

/** Forgets the identity that was used last: the database was deleted on purpose. */
export async function forgetIdentity(database: string): Promise<void> {
  await accessMark(database, (marks, url) => marks.delete(url))
}

/** Accesses the mark of a database. Resolves to undefined if that fails, or takes too long. */
async function accessMark<T>(
  database: string,
  access: (marks: Cache, url: string) => Promise<T>,
): Promise<T | undefined> {
  try {
    // The key of a mark is a URL, which is never requested.
    const url = `https://botshelf.invalid/${encodeURIComponent(database)}`
    const accessing = caches.open('botshelf').then((marks) => access(marks, url))
    return await limitTime(accessing, TIMEOUT_MS)
  } catch {
    return undefined
  }
}
