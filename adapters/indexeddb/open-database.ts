import { deleteDB, wrap } from 'idb'
import { noop, sleep } from '../../src/async.ts'
import { StoreError } from '../../src/errors.ts'
import { limitTime } from '../../src/time-limit.ts'
import { fromOpenError } from './errors.ts'
import { createStores, FORMAT_VERSION } from './format.ts'
import { forgetIdentity } from './identity.ts'

/** The first and the longest delay between two attempts. Each is twice the one before. */
const MIN_DELAY_MS = 10
const MAX_DELAY_MS = 1000

export interface TimeoutOptions {
  readonly openTimeoutMs: number
  /** Called when another connection, such as that of another tab, blocks the request. */
  readonly onBlocked: (reason: string) => void
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
 * @throws StoreError `UNAVAILABLE`, `TIMEOUT`, `BLOCKED`, `VERSION_MISMATCH`, `QUOTA_EXCEEDED`,
 * `CONNECTION_LOST`
 */
export function openDatabase(options: OpenDatabaseOptions): Promise<IDBDatabase> {
  let upgrade: IDBTransaction | null
  const abort = (): void => {
    try {
      upgrade?.abort()
    } catch {
      // It has ended already.
    }
  }
  return retryUntilTimeout('opening', options, {
    attempt: (onBlocked) =>
      new Promise((resolve, reject) => {
        // Not by `openDB`, whose proxies take longer here than the rest. Nothing before it: the browser
        // works meanwhile.
        const request = indexedDB.open(options.name, FORMAT_VERSION)
        let upgradeError: unknown
        request.addEventListener('success', () => {
          const db = request.result
          resolve(db)
          db.addEventListener('close', () => options.onTerminated(db))
          db.addEventListener('versionchange', ({ newVersion }) =>
            options.onVersionChange(db, newVersion === null),
          )
        })
        // The request itself fails with an AbortError; the upgrade has the reason.
        request.addEventListener('error', () => reject(upgradeError ?? request.error))
        request.addEventListener('blocked', onBlocked)
        request.addEventListener('upgradeneeded', () => {
          upgrade = request.transaction
          const newDb = wrap(request.result)
          wrap(upgrade as IDBTransaction).done.catch((error: unknown) => (upgradeError ??= error))
          try {
            createStores(newDb)
          } catch (error) {
            // An exception in an event listener would go to `window.onerror` instead of the promise.
            upgradeError = error
            abort()
          }
        })
      }),
    // The request cannot be cancelled. If it succeeds later, its connection must not block others.
    onLateSuccess: (db) => db.close(),
    // An upgrade that never ends would hold up every later attempt.
    onTimeout: abort,
  })
}

/**
 * Deletes a database; there may be none. The other connections to it are asked to close.
 *
 * @throws StoreError `UNAVAILABLE`, `CONNECTION_LOST`; `TIMEOUT` or `BLOCKED` if it takes longer than
 * the time limit. The browser may still delete it later: if it is `BLOCKED`, once the other
 * connections are closed.
 */
export async function deleteDatabase(name: string, options: TimeoutOptions): Promise<void> {
  await retryUntilTimeout('deleting', options, {
    attempt: (blocked) => deleteDB(name, { blocked }).then(() => forgetIdentity(name)),
  })
}

/**
 * Lists the databases of the origin.
 *
 * @throws StoreError `UNAVAILABLE`, `TIMEOUT`, `CONNECTION_LOST`
 */
export async function listDatabases(openTimeoutMs: number): Promise<readonly IDBDatabaseInfo[]> {
  const options = { openTimeoutMs, onBlocked: noop }
  return retryUntilTimeout('listing', options, { attempt: async () => indexedDB.databases() })
}

interface RetriedRequest<T> {
  /** Sends the request. Calls `onBlocked` if the browser fires a `blocked` event for it. */
  readonly attempt: (onBlocked: () => void) => Promise<T>
  readonly onLateSuccess?: (result: T) => void
  readonly onTimeout?: () => void
}

/** Sends a request again while its error is CONNECTION_LOST, until the time limit. */
async function retryUntilTimeout<T>(
  action: 'opening' | 'deleting' | 'listing',
  { openTimeoutMs, onBlocked }: TimeoutOptions,
  { attempt, onLateSuccess = noop, onTimeout = noop }: RetriedRequest<T>,
): Promise<T> {
  let isOver = false
  let isBlocked = false
  let lastError: StoreError | undefined
  const markBlocked = (): void => {
    isBlocked = true
    if (!isOver) onBlocked(`${action} the database waits for another tab to close it`)
  }
  const run = async (): Promise<T> => {
    for (let delayMs = MIN_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
      try {
        lastError = undefined
        const result = await attempt(markBlocked)
        if (isOver) onLateSuccess(result)
        return result
      } catch (error) {
        lastError = fromOpenError(error)
        if (isOver || lastError.code !== 'CONNECTION_LOST') throw lastError
      }
      await sleep(delayMs)
      if (isOver) throw lastError
    }
  }
  try {
    return await limitTime(run(), openTimeoutMs, () => {
      isOver = true
      onTimeout()
    })
  } catch (error) {
    if (!isOver) throw error
    if (lastError !== undefined && !isBlocked) throw lastError
    const [code, reason] = isBlocked
      ? (['BLOCKED', 'another tab holds it. Close or reload that tab'] as const)
      : (['TIMEOUT', 'the browser does not answer. Try again'] as const)
    const message = `After ${openTimeoutMs} ms of ${action} the database: ${reason}.`
    const outcome = action === 'deleting' ? 'unknown' : 'not-applied'
    throw new StoreError(code, message, { outcome })
  }
}
