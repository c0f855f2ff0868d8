import { noop, sleep } from '../../src/async.ts'
import { StoreError } from '../../src/errors.ts'
import type { StorageHost } from '../../src/storage.ts'
import { fromTransactionError } from './errors.ts'
import { IDENTITY_KEY, META_STORE } from './format.ts'
import { openDatabase } from './open-database.ts'
import {
  beginTransaction,
  type TransactionBody,
  type TransactionOptions,
  TransactionRunner,
} from './transaction.ts'

/** The shortest time between two reconnects that no call asked for. */
const RECONNECT_INTERVAL_MS = 1000

export interface ConnectionOptions {
  /** The name of the database. */
  readonly name: string
  readonly openTimeoutMs: number
  readonly emit: StorageHost['emit']
}

/** The results of several requests, in their order. */
type Results<R extends readonly IDBRequest[]> = {
  -readonly [I in keyof R]: R[I] extends IDBRequest<infer T> ? T : never
}

/**
 * A lasting connection to one database. The browser's own connection ends when another page deletes
 * or upgrades the database, or when the browser closes it; this one opens a new one then. It
 * reports when the data of the previous connection is gone.
 */
export class Connection {
  readonly name: string
  readonly #openTimeoutMs: number
  readonly #emit: StorageHost['emit']
  readonly #transactions = new TransactionRunner((db) => this.#drop(db))
  #db: IDBDatabase | undefined
  #connecting: Promise<IDBDatabase> | undefined
  /** The identity of the database that was used last. Pending while it is read. */
  #identity: Promise<string | undefined> | undefined
  /** Whether the data loss that the next comparison of identities finds was already reported. */
  #isLossReported = false
  #hasYielded = false
  /** The connections that the browser has closed. */
  readonly #terminated = new WeakSet<IDBDatabase>()
  #reconnectedAt = -RECONNECT_INTERVAL_MS
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  /**
   * Called when data is lost. `clear`: every entry is gone. `unknown`: every entry may have changed,
   * since others may have written to the new database.
   */
  onDataLost: (kind: 'clear' | 'unknown') => void = noop

  constructor({ name, openTimeoutMs, emit }: ConnectionOptions) {
    this.name = name
    this.#openTimeoutMs = openTimeoutMs
    this.#emit = emit
  }

  /** @throws StoreError why the database cannot be opened */
  async open(): Promise<void> {
    await this.#connect()
  }

  /**
   * Runs a transaction, on a new connection if there is none. If the connection turns out to be
   * dead before anything was sent, it reconnects once.
   *
   * @throws StoreError why the database cannot be opened, or why the transaction was rolled back
   */
  async run<T>(body: TransactionBody<T>, options: TransactionOptions = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const db = this.#db ?? (await this.#connect())
      let transaction: IDBTransaction
      try {
        transaction = beginTransaction(db, options)
      } catch (error) {
        const failure = fromTransactionError(error, 'not-applied')
        if (failure.code !== 'CONNECTION_LOST') throw failure
        this.#drop(db)
        if (attempt === 2) throw failure
        continue
      }
      return this.#transactions.run(transaction, body)
    }
  }

  /** Sends requests that only read, and resolves to their results. */
  async read<const R extends readonly IDBRequest[]>(
    send: (entries: IDBObjectStore) => R,
  ): Promise<Results<R>> {
    return this.run((entries, finish, onSuccess) => {
      const requests = send(entries)
      onSuccess(requests, () =>
        finish(requests.map(({ result }) => result as unknown) as Results<R>),
      )
    })
  }

  /** Whether another page deleted or upgraded the database, and no call has reconnected since. */
  get hasYielded(): boolean {
    return this.#hasYielded
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#reconnectTimer)
    await this.#connecting?.catch(noop)
    // A loss must be reported, and the identity remembered, before this resolves.
    await this.#identity
    this.#db?.close()
    this.#db = undefined
  }

  /** Closes a connection that is of no more use. The next call opens a new one. */
  #drop(db: IDBDatabase): void {
    if (this.#db === db) this.#db = undefined
    db.close()
  }

  #connect(): Promise<IDBDatabase> {
    this.#connecting ??= this.#openAndCompare().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #openAndCompare(): Promise<IDBDatabase> {
    const db = await openDatabase({
      name: this.name,
      openTimeoutMs: this.#openTimeoutMs,
      onBlocked: (reason) => this.#emit('blocked', reason),
      onVersionChange: (closing, isDeletion) => this.#yield(closing, isDeletion),
      onTerminated: (closed) => this.#onTerminated(closed),
    })
    if (this.#isClosed) {
      db.close()
      const message = 'The storage was closed while it was opened. Open it again.'
      throw new StoreError('CONNECTION_LOST', message, { retryable: false })
    }
    this.#hasYielded = false
    const previous = this.#identity
    const isReconnect = previous !== undefined
    // The first opening does not wait for the comparison: reading localStorage blocks the page.
    this.#identity = (previous ?? sleep(0)).then((id) => this.#compareIdentity(db, id ?? undefined))
    if (isReconnect) await this.#identity
    // If the browser has closed it meanwhile, the next call reconnects.
    if (!this.#terminated.has(db)) this.#db = db
    if (isReconnect) this.#emit('reopened', 'the connection had been closed')
    return db
  }

  /**
   * Reports data loss if the database is not the one that was used last: then that one was deleted,
   * and a new one was created under its name. Resolves to the identity to compare with next time.
   */
  async #compareIdentity(
    db: IDBDatabase,
    previous: string | undefined,
  ): Promise<string | undefined> {
    const wasReported = this.#isLossReported
    this.#isLossReported = false
    const last = previous ?? lastIdentity(this.name)
    const identity = await this.#readIdentity(db).catch(noop)
    if (identity === undefined) {
      // The connection is lost again. The next one is compared.
      this.#isLossReported ||= wasReported
      return last
    }
    const isLost = last !== undefined && last !== identity
    if (isLost && !wasReported) {
      this.#emit('data-lost', 'the database was deleted and created again')
    }
    // Also if a deletion was reported and then did not take place.
    if (isLost !== wasReported) this.onDataLost('unknown')
    return lastIdentity(this.name, identity)
  }

  async #readIdentity(db: IDBDatabase): Promise<string | undefined> {
    const transaction = beginTransaction(db, { store: META_STORE })
    return this.#transactions.run(transaction, (meta, finish, onSuccess) => {
      const request: IDBRequest<{ id?: string } | undefined> = meta.get(IDENTITY_KEY)
      onSuccess([request], () => finish(request.result?.id))
    })
  }

  // A deletion or an upgrade waits until every connection to the database is closed.
  #yield(db: IDBDatabase, isDeletion: boolean): void {
    this.#hasYielded = true
    if (isDeletion) {
      this.#isLossReported = true
      void this.#reportDeletion(db)
    }
    this.#drop(db)
  }

  /** Reports a deletion, after the writes that began before it: they complete, and are deleted too. */
  async #reportDeletion(db: IDBDatabase): Promise<void> {
    try {
      // An empty transaction that writes completes after all earlier ones that write.
      const transaction = beginTransaction(db, { durability: 'relaxed' })
      await this.#transactions.run<void>(transaction, (_, finish) => finish())
    } catch {
      // The connection is closed already, so no write is running.
    }
    this.#emit('data-lost', 'another page or worker deleted the database')
    this.onDataLost('clear')
  }

  // For example because the user cleared the site's data. Reconnects soon to find out what is left,
  // but not more than once a second: a browser may close one connection after another.
  #onTerminated(db: IDBDatabase): void {
    const isReplaced = this.#db !== undefined && this.#db !== db
    this.#terminated.add(db)
    this.#drop(db)
    this.#transactions.failAll(db)
    if (isReplaced || this.#isClosed) return
    const delayMs = Math.max(0, this.#reconnectedAt + RECONNECT_INTERVAL_MS - performance.now())
    clearTimeout(this.#reconnectTimer)
    this.#reconnectTimer = setTimeout(() => this.#reconnect(), delayMs)
  }

  #reconnect(): void {
    this.#reconnectedAt = performance.now()
    // An opening that is under way may be that of the connection that the browser closed.
    void (this.#connecting ?? Promise.resolve()).catch(noop).then(() => {
      if (this.#db !== undefined || this.#isClosed) return undefined
      // Watchers read the keys again then, and so get the error.
      return this.#connect().catch(() => this.onDataLost('unknown'))
    })
  }
}

/**
 * Reads the identity of the database that was last used under this name; writes it if `identity` is
 * given. It is kept in localStorage, outside IndexedDB: a browser opens a damaged database as a new,
 * empty one without an error. A user who clears the site's data clears both. A worker has no
 * localStorage, and some pages are denied it: there nothing is remembered between visits.
 */
function lastIdentity(name: string, identity?: string): string | undefined {
  const key = `botshelf:${name}`
  try {
    if (identity === undefined) return localStorage.getItem(key) ?? undefined
    localStorage.setItem(key, identity)
  } catch {
    // There is no localStorage, or it is full.
  }
  return identity
}
