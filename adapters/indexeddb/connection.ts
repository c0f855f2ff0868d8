import { nothing } from '../../src/deferred.js'
import { StoreError } from '../../src/errors.js'
import type { StorageHost } from '../../src/storage.js'
import { failedRead } from './failures.js'
import { IDENTITY, META } from './format.js'
import { Landmark } from './landmark.js'
import { openDatabase } from './open-database.js'
import { type Running, Transactions } from './transactions.js'

/** How long after one look at a database that was closed the next comes, in milliseconds. */
const BETWEEN_LOOKS = 1000

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
  readonly #transactions = new Transactions()
  #db: IDBDatabase | undefined
  #opening: Promise<IDBDatabase> | undefined
  /** What tells the database from one made anew under its name; pending while it is read. */
  #identity: Promise<string | undefined> | undefined
  /** Is it told already that what there was before the next connection is gone? */
  #lossTold = false
  #stoodAside = false
  /** The connections that the browser has closed. */
  readonly #lost = new WeakSet<IDBDatabase>()
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: ReturnType<typeof setTimeout> | undefined
  #closed = false
  /** Called when the data is gone that was there; `unknown` if other data may be there by now. */
  onDataLost: (kind: 'clear' | 'unknown') => void = nothing

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
   * Begins a transaction, on the entries if no other store is named.
   *
   * @throws StoreError `CONNECTION_LOST` if a new connection is as dead as the old one
   */
  async begin(
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
    storeName?: string,
  ): Promise<Running> {
    for (let attempt = 1; ; attempt++) {
      const db = this.#db ?? (await this.#connect())
      try {
        return this.#transactions.begin(db, mode, durability, storeName)
      } catch (error) {
        // Nothing was sent, so it is safe to begin again.
        const failed = failedRead(error)
        if (failed.code !== 'CONNECTION_LOST') throw failed
        this.drop(db)
        if (attempt === 2) throw failed
      }
    }
  }

  /** Lets go of a connection that turned out dead; the next use makes a new one. */
  drop(db: IDBDatabase): void {
    if (this.#db === db) this.#db = undefined
    db.close()
  }

  /** Did another page delete or upgrade the database, and has nobody needed it since? */
  get hasStoodAside(): boolean {
    return this.#stoodAside
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#looking)
    await this.#opening?.catch(nothing)
    // So that the mark of what there is stands, and what was lost is told.
    await this.#identity
    this.#db?.close()
    this.#db = undefined
  }

  #connect(): Promise<IDBDatabase> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<IDBDatabase> {
    const db = await openDatabase({
      name: this.name,
      timeout: this.#openTimeout,
      onBlocked: (reason) => this.#tell('blocked', reason),
      onVersionChange: (changed, deletes) => this.#standAside(changed, deletes),
      onTerminated: (lost) => this.#terminated(lost),
    })
    if (this.#closed) {
      db.close()
      const message = 'The storage was closed while it was opened.'
      throw new StoreError('CONNECTION_LOST', message, { retryable: false })
    }
    this.#stoodAside = false
    const reopened = this.#identity !== undefined
    this.#identity = this.#recognise(db, await this.#identity)
    // Whoever opens for the first time need not wait for it.
    if (reopened) await this.#identity
    // It may have gone again meanwhile; whoever uses it will see.
    if (!this.#lost.has(db)) this.#db = db
    if (reopened) this.#tell('reopened', 'the database had been closed under this page')
    return db
  }

  /** Tells the database from one made anew under its name, by this tab or another. */
  async #recognise(db: IDBDatabase, before: string | undefined): Promise<string | undefined> {
    const wasTold = this.#lossTold
    this.#lossTold = false
    const last = before ?? this.#landmark.get()
    const identity = await this.#identify(db)
    if (identity === undefined) {
      this.#lossTold ||= wasTold
      return last
    }
    const isLost = last !== undefined && last !== identity
    if (isLost && !wasTold) this.#tell('data-lost', 'the database was made anew, and empty')
    // A deletion that was told may not have come about after all.
    if (isLost !== wasTold) this.onDataLost('unknown')
    this.#landmark.set(identity)
    return identity
  }

  /** The identity of a database; `undefined` if it cannot be read. */
  async #identify(db: IDBDatabase): Promise<string | undefined> {
    try {
      const { store, ended } = this.#transactions.begin(db, 'readonly', 'default', META)
      const request = store.get(IDENTITY) as IDBRequest<{ id?: string } | undefined>
      return (await ended) === undefined ? request.result?.id : undefined
    } catch {
      return undefined
    }
  }

  // Whoever wants to upgrade or delete the database waits until all others have closed it.
  #standAside(db: IDBDatabase, deletes: boolean): void {
    this.#stoodAside = true
    if (deletes) {
      this.#lossTold = true
      void this.#loseAll(db)
    }
    this.drop(db)
  }

  /** What was begun before the deletion still completes, and then it is lost with the rest. */
  async #loseAll(db: IDBDatabase): Promise<void> {
    try {
      // It waits for all that write.
      await this.#transactions.begin(db, 'readwrite', 'relaxed').ended
    } catch {
      // The connection is closed already, and nothing is under way.
    }
    this.#tell('data-lost', 'another page or worker deleted the database')
    this.onDataLost('clear')
  }

  // Such as when a person clears what the site has stored. Looking at once tells what is left, but
  // once a second at most: a browser may end one connection after another.
  #terminated(db: IDBDatabase): void {
    const isReplaced = this.#db !== undefined && this.#db !== db
    this.#lost.add(db)
    this.drop(db)
    this.#transactions.lose(db)
    if (isReplaced || this.#closed) return
    const wait = Math.max(0, this.#lookedAt + BETWEEN_LOOKS - performance.now())
    clearTimeout(this.#looking)
    this.#looking = setTimeout(() => this.#look(), wait)
  }

  #look(): void {
    this.#lookedAt = performance.now()
    // An opening under way may be that of the very connection which was lost.
    void (this.#opening ?? Promise.resolve()).catch(nothing).then(() => {
      if (this.#db !== undefined || this.#closed) return undefined
      // Whoever reads for a watch then will see why it cannot be opened.
      return this.#connect().catch(() => this.onDataLost('unknown'))
    })
  }
}
