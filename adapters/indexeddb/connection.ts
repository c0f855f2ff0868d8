import { openDB, unwrap } from 'idb'
import { nothing } from '../../src/deferred.js'
import { StoreError } from '../../src/errors.js'
import type { StorageHost } from '../../src/storage.js'
import { failedOpen, failedRead } from './failures.js'
import { Landmark } from './landmark.js'

/** The format of what is stored: the version of the database. */
const FORMAT = 1
/** The entries by key: `{ v, n, x? }`, value, version and expiry. */
export const ENTRIES = 'entries'
/** The index of entries that expire, by when. */
export const EXPIRY = 'x'
/** What there is to say of the database itself. */
export const META = 'meta'
const IDENTITY = 'database'

export interface ConnectionOptions {
  /** The name of the database. */
  readonly name: string
  /** How long opening may take, in milliseconds. */
  readonly openTimeout: number
  readonly tell: StorageHost['tell']
}

/**
 * A connection to one database that outlives the browser's own: it stands aside for whoever
 * upgrades or deletes the database, and is made anew, once for each use, where it was lost.
 */
export class Connection {
  readonly name: string
  readonly #openTimeout: number
  readonly #tell: StorageHost['tell']
  readonly #landmark: Landmark
  #opening: Promise<IDBDatabase> | undefined
  #db: IDBDatabase | undefined
  /** What tells the database from one made anew under its name; pending while it is read. */
  #identity: Promise<string | undefined> | undefined
  #closed = false
  #lossTold = false
  #idle = false
  /** Called when the data is gone that was there. */
  onDataLost: () => void = nothing

  constructor({ name, openTimeout, tell }: ConnectionOptions) {
    this.name = name
    this.#openTimeout = openTimeout
    this.#tell = tell
    this.#landmark = new Landmark(name)
  }

  /** @throws StoreError why the database cannot be opened */
  async open(): Promise<void> {
    await this.#connect()
  }

  /**
   * Begins a transaction. It is active until the caller lets the event loop go on.
   *
   * @throws StoreError `CONNECTION_LOST` if a new connection is as dead as the old one
   */
  async begin(
    stores: string | readonly string[],
    mode: IDBTransactionMode,
    options?: IDBTransactionOptions,
  ): Promise<IDBTransaction> {
    this.#idle = false
    for (let attempt = 1; ; attempt++) {
      const db = this.#db ?? (await this.#connect())
      try {
        return db.transaction(stores as string | string[], mode, options)
      } catch (error) {
        // Nothing was sent, so it is safe to begin again.
        this.drop(db)
        const failed = failedRead(error)
        if (attempt === 2 || failed.code !== 'CONNECTION_LOST') throw failed
      }
    }
  }

  /** Lets go of a connection that turned out dead; the next use makes a new one. */
  drop(db: IDBDatabase): void {
    if (this.#db === db) this.#db = undefined
    db.close()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#opening?.catch(nothing)
    this.#db?.close()
    this.#db = undefined
  }

  #connect(): Promise<IDBDatabase> {
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openOnce(): Promise<IDBDatabase> {
    const { db, created } = await this.#request()
    if (this.#closed) {
      db.close()
      throw new StoreError('CONNECTION_LOST', 'The storage was closed while it was opened.', {
        retryable: false,
      })
    }
    const reopened = this.#identity !== undefined
    const before = await this.#identity
    this.#identity = identify(db).then((id) => id ?? before)
    // Another tab may have made it anew already, and then it is not `created` here.
    const replaced = before !== undefined && before !== (await this.#identity)
    if (replaced || (created && this.#landmark.stands())) {
      this.#loseData('the browser made the database anew, and empty')
    }
    this.#db = db
    this.#lossTold = false
    this.#landmark.set()
    if (reopened) this.#tell('reopened', 'the connection to the database was lost')
    return db
  }

  async #request(): Promise<{ db: IDBDatabase; created: boolean }> {
    try {
      return await this.#requestOnce()
    } catch (error) {
      const failed = failedOpen(error)
      if (failed.code !== 'CONNECTION_LOST') throw failed
    }
    // Somebody deleted it in that very moment; now there is nothing in the way.
    try {
      return await this.#requestOnce()
    } catch (error) {
      throw failedOpen(error)
    }
  }

  async #requestOnce(): Promise<{ db: IDBDatabase; created: boolean }> {
    let created = false
    let db: IDBDatabase | undefined
    const opening = openDB(this.name, FORMAT, {
      upgrade(upgraded, _from, _to, transaction) {
        created = true
        transaction.done.catch(nothing)
        upgraded.createObjectStore(ENTRIES).createIndex(EXPIRY, EXPIRY)
        const identity = { id: crypto.getRandomValues(new Uint32Array(4)).join('-') }
        upgraded.createObjectStore(META).put(identity, IDENTITY).catch(nothing)
      },
      blocking: (_from, to) => db && this.#standAside(db, to === null),
      terminated: () => db && this.#terminated(db),
    }).then((wrapped) => (db = unwrap(wrapped)))
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // It cannot be called off. One that succeeds later must not stand in others' way.
        opening.then((found) => found.close(), nothing)
        const reason = `another tab has held the database for ${this.#openTimeout} ms`
        this.#tell('blocked', reason)
        reject(
          new StoreError(
            'BLOCKED',
            `The database cannot be opened: ${reason}. Close the other tabs of this site, or load them again.`,
          ),
        )
      }, this.#openTimeout)
    })
    try {
      return { db: await Promise.race([opening, late]), created }
    } finally {
      clearTimeout(timer)
    }
  }

  // Whoever wants to upgrade or delete the database waits until all others have closed it.
  #standAside(db: IDBDatabase, deleted: boolean): void {
    this.drop(db)
    if (deleted) this.#loseData('another page or worker deleted the database')
  }

  // Such as when a person clears what the site has stored. Looking at once tells what is left; a
  // browser that ends one connection after another is not asked again until somebody needs it.
  #terminated(db: IDBDatabase): void {
    this.drop(db)
    if (this.#idle || this.#closed) return
    this.#idle = true
    this.#connect().catch(nothing)
  }

  #loseData(reason: string): void {
    if (this.#lossTold) return
    this.#lossTold = true
    this.#tell('data-lost', reason)
    this.onDataLost()
  }
}

/** The identity of a database; `undefined` if it cannot be read. */
function identify(db: IDBDatabase): Promise<string | undefined> {
  return new Promise((resolve) => {
    try {
      const transaction = db.transaction(META, 'readonly')
      const request = transaction.objectStore(META).get(IDENTITY) as IDBRequest<
        { id?: string } | undefined
      >
      request.addEventListener('success', () => resolve(request.result?.id))
      transaction.addEventListener('abort', () => resolve(undefined))
    } catch {
      resolve(undefined)
    }
  })
}
