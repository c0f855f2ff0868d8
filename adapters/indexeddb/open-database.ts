import { openDB, unwrap } from 'idb'
import { noop } from '../../src/async.ts'
import { StoreError } from '../../src/errors.ts'
import { fromOpenError } from './errors.ts'
import { checkOurs, create, FORMAT } from './format.ts'

export interface OpenOptions {
  readonly name: string
  /** How long it may take, in milliseconds. */
  readonly timeout: number
  /** Called when it took too long. `reason` is half a sentence. */
  readonly onBlocked: (reason: string) => void
  /** Called when another page wants to upgrade the database, or to delete it: close it. */
  readonly onVersionChange: (db: IDBDatabase, deletes: boolean) => void
  /** Called when the browser has closed it. */
  readonly onTerminated: (db: IDBDatabase) => void
}

/** @throws StoreError why the database cannot be opened */
export async function openDatabase(options: OpenOptions): Promise<IDBDatabase> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openOnce(options)
    } catch (error) {
      const failed = fromOpenError(error)
      // If somebody deleted it in that very moment, there is nothing in the way now.
      if (failed.code !== 'CONNECTION_LOST' || attempt === 2) throw failed
    }
  }
}

async function openOnce(options: OpenOptions): Promise<IDBDatabase> {
  let db: IDBDatabase | undefined
  let aborted: unknown
  const opening = openDB(options.name, FORMAT, {
    upgrade(upgraded, _from, _to, transaction) {
      transaction.done.catch((error: unknown) => (aborted = error))
      create(upgraded)
    },
    blocking: (_from, to) => db && options.onVersionChange(db, to === null),
    terminated: () => db && options.onTerminated(db),
  }).then((wrapped) => (db = unwrap(wrapped)))
  const opened = await inTime(opening, options).catch((error: unknown) => {
    // Of a database that could not be made the request tells only that it was not.
    throw aborted ?? error
  })
  try {
    checkOurs(opened)
  } catch (error) {
    opened.close()
    throw error
  }
  return opened
}

async function inTime(
  opening: Promise<IDBDatabase>,
  { timeout, onBlocked }: OpenOptions,
): Promise<IDBDatabase> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // It cannot be called off. One that succeeds later must not stand in others' way.
      opening.then((db) => db.close(), noop)
      const reason = `another tab has held the database for ${timeout} ms`
      onBlocked(reason)
      const advice = 'Close the other tabs of this site, or load them again.'
      reject(new StoreError('BLOCKED', `The database cannot be opened: ${reason}. ${advice}`))
    }, timeout)
  })
  try {
    return await Promise.race([opening, late])
  } finally {
    clearTimeout(timer)
  }
}
