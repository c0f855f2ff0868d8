import { deferred, noop } from '../../src/async.ts'
import { StoreError } from '../../src/errors.ts'
import type { StorageHost } from '../../src/storage.ts'
import { limitTime } from '../../src/time-limit.ts'
import { fromTransactionError } from './errors.ts'
import { beginReading } from './format.ts'
import { loadIdentity, readIdentityBody, saveIdentity } from './identity.ts'
import { openDatabase } from './open-database.ts'
import {
  beginTransaction,
  NO_ERROR,
  type TransactionBody,
  type TransactionOptions,
  TransactionRunner,
} from './transaction.ts'

/** How often to run a transaction. If the connection is lost, the second attempt reconnects. */
const MAX_ATTEMPTS = 2
/**
 * How long to wait, after the first opening, before what must not delay the first reads, such as to
 * load the identity that was used last: that takes a new browser several milliseconds.
 */
const FIRST_READS_MS = 10
/** The shortest time between two automatic reconnects. */
const RECONNECT_INTERVAL_MS = 1000
/**
 * The time limit of work that no call waits for. Longer than that of a call, because large writes may
 * be ahead of it.
 */
const BACKGROUND_TIMEOUT_MS = 120_000

export interface ConnectionOptions {
  /** The name of the database. */
  readonly name: string
  readonly openTimeoutMs: number
  readonly emit: StorageHost['emit']
}

interface RunOptions extends TransactionOptions {
  /** The `timeoutCount` when the call began. The transaction does not begin after another timeout. */
  readonly timeoutCount?: number | undefined
}

/** The results of several requests, in their order. */
type Results<R extends readonly IDBRequest[]> = {
  -readonly [I in keyof R]: R[I] extends IDBRequest<infer T> ? T : never
}

/**
 * A connection to one database that reopens itself. It closes for another tab that deletes or
 * upgrades the database, and reopens with the next call. If the browser closes it, it reopens soon.
 * It reports when the data of the previous connection is lost.
 */
export class Connection {
  readonly name: string
  readonly #options: ConnectionOptions
  readonly #transactions = new TransactionRunner((db) => this.#drop(db))
  #db: IDBDatabase | undefined
  #connecting: Promise<IDBDatabase> | undefined
  /** The identity of the database that was used last. Pending while it is read. */
  #identity: Promise<string | undefined> | undefined
  /** Whether the loss that the next comparison will find was already reported. */
  #isLossReported = false
  #isClosedForOthers = false
  /** The connections that the browser has closed. */
  readonly #terminated = new WeakSet<IDBDatabase>()
  /** When the last automatic reconnect started, by `performance.now()`, in milliseconds. */
  #lastReconnectAt = -RECONNECT_INTERVAL_MS
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  /** Resolves when the first reads have probably ended, or by `close`. */
  readonly #firstReads = deferred()
  /**
   * How many times `onTimeout` was called. A call that began before the last must not write any more:
   * its caller may have got the error already, and may have written since.
   */
  timeoutCount = 0
  /**
   * Called when what is known of the keys is out of date. `clear`: every entry is gone. `unknown`:
   * any key may have changed.
   */
  onKeysInvalidated: (kind: 'clear' | 'unknown') => void = noop
  /** Called after the first opening, when the first reads have probably ended. */
  onFirstReads: () => void = noop

  constructor(options: ConnectionOptions) {
    this.name = options.name
    this.#options = options
  }

  /**
   * Opens the database, and creates it if there is none.
   *
   * @throws StoreError if the database cannot be opened: see `openDatabase`; `CORRUPT` if other
   * software created it
   */
  open(): Promise<unknown> {
    return this.#connect()
  }

  /**
   * Runs a transaction, on a new connection if there is none. Runs it once more if the connection was
   * lost before anything was applied.
   *
   * @throws StoreError if the database cannot be opened, or if the transaction was rolled back; or
   * `CONNECTION_LOST`, with the outcome `unknown` if the commit had been requested
   */
  async run<T>(body: TransactionBody<T>, options: RunOptions = {}): Promise<T> {
    const { timeoutCount = this.timeoutCount } = options
    for (let attempt = 1; ; attempt++) {
      const db = this.#db ?? (await this.#connect())
      try {
        if (timeoutCount !== this.timeoutCount) throw NO_ERROR
        return await this.#transactions.run(this.#transactions.begin(db, options), body)
      } catch (error) {
        const failure = fromTransactionError(error, { outcomeIfLost: 'not-applied' })
        const isLost = failure.code === 'CONNECTION_LOST' && failure.outcome === 'not-applied'
        const isInTime = timeoutCount === this.timeoutCount && attempt < MAX_ATTEMPTS
        if (!isLost || !isInTime) throw failure
        this.#drop(db)
      }
    }
  }

  /**
   * Sends requests that only read, and resolves to their results.
   *
   * @param keys the keys that the requests read, for the error if one fails
   */
  read<const R extends readonly IDBRequest[]>(
    send: (entries: IDBObjectStore) => R,
    keys?: readonly string[],
    options?: RunOptions,
  ): Promise<Results<R>> {
    return this.run((entries, finish, onSuccess) => {
      const requests = send(entries)
      const callback = (): void =>
        finish(requests.map(({ result }) => result as unknown) as Results<R>)
      onSuccess(requests, callback, keys)
    }, options)
  }

  /** Waits for work that no call waits for, for a limited time. */
  async limit<T>(work: Promise<T>): Promise<T> {
    return limitTime(work, BACKGROUND_TIMEOUT_MS, () => this.onTimeout())
  }

  /**
   * Aborts and fails the transactions that run, and closes their connection: one of them takes too
   * long, and the others may wait for it. The next call opens a new one.
   */
  onTimeout(): void {
    this.timeoutCount++
    this.#transactions.failAll()
  }

  /** Whether another tab deleted or upgraded the database, and no call has reconnected since. */
  get isClosedForOthers(): boolean {
    return this.#isClosedForOthers
  }

  /** Closes the connection, after a running opening and comparison of identities. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#firstReads.resolve()
    clearTimeout(this.#reconnectTimer)
    await this.#connecting?.catch(noop)
    // A loss must be reported, and the identity saved, before this resolves.
    await this.#identity
    this.#db?.close()
    this.#db = undefined
  }

  /** Closes a connection that is no longer usable. The next call opens a new one. */
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
      openTimeoutMs: this.#options.openTimeoutMs,
      onBlocked: (reason) => this.#options.emit('blocked', reason),
      onVersionChange: (closing, isDeletion) => this.#closeForOthers(closing, isDeletion),
      onTerminated: (closed) => this.#onTerminated(closed),
    })
    if (this.#isClosed) {
      db.close()
      const message = 'The storage was closed while it was opening. Open it again.'
      throw new StoreError('CONNECTION_LOST', message, { retryable: false })
    }
    const reading = beginReading(db)
    this.#isClosedForOthers = false
    const previous = this.#identity
    this.#identity = this.#compareIdentity(reading, previous)
    // The first opening does not wait for the comparison.
    if (previous !== undefined) await this.#identity
    // A terminated connection must not look like a new one to #reconnect. One that was closed for
    // others may: `run` finds it dead.
    if (!this.#terminated.has(db)) this.#db = db
    if (previous !== undefined) this.#options.emit('reopened', 'the connection had been closed')
    return db
  }

  /**
   * Reports data loss if the database is not the one that was used last: then that one was deleted,
   * and a new one was created under its name. Resolves to the identity to compare with next time.
   */
  async #compareIdentity(
    reading: IDBTransaction | undefined,
    previous: Promise<string | undefined> | undefined,
  ): Promise<string | undefined> {
    // Begun now: it precedes the first call, and a later deletion waits for it.
    const identityRead =
      reading && this.limit(this.#transactions.run(reading, readIdentityBody)).catch(noop)
    const lastUsed = await previous
    const wasReported = this.#isLossReported
    this.#isLossReported = false
    const identity = await identityRead
    if (identity === undefined) {
      // The connection is lost again. Compare the next connection instead.
      this.#isLossReported ||= wasReported
      return lastUsed
    }
    // Memory first: another tab may already have saved the identity of a new database.
    let last = lastUsed
    if (last === undefined) {
      const timer = setTimeout(this.#firstReads.resolve, FIRST_READS_MS)
      await this.#firstReads.promise
      clearTimeout(timer)
      this.onFirstReads()
      last = await loadIdentity(this.name)
    }
    const isLost = last !== undefined && last !== identity
    if (isLost && !wasReported) {
      this.#options.emit('data-lost', 'the database was deleted and created again')
    }
    // Listeners already know a reported loss. If a reported deletion did not happen, they must read
    // again.
    if (isLost !== wasReported) this.onKeysInvalidated('unknown')
    // If the database is being deleted, its mark must not outlive it.
    if (last !== identity && !this.#isLossReported) await saveIdentity(this.name, identity)
    return identity
  }

  /** Closes a connection at once, since another tab waits to delete or upgrade the database. */
  #closeForOthers(db: IDBDatabase, isDeletion: boolean): void {
    this.#isClosedForOthers = true
    if (isDeletion) {
      this.#isLossReported = true
      // Before #drop: it begins a transaction, which completes although the connection is closed.
      void this.#reportDeletion(db)
    }
    this.#drop(db)
  }

  /** Reports a deletion once earlier writes have completed; the deletion removes them too. */
  async #reportDeletion(db: IDBDatabase): Promise<void> {
    try {
      // An empty transaction that writes completes after all earlier ones that write.
      const transaction = beginTransaction(db, { durability: 'relaxed' })
      await this.limit(this.#transactions.run<void>(transaction, (_, finish) => finish()))
    } catch {
      // The connection is closed already, or an earlier write takes too long.
    }
    this.#options.emit('data-lost', 'another tab or worker deleted the database')
    this.onKeysInvalidated('clear')
  }

  /**
   * Reconnects soon, to find out what is left. The browser closes a connection when, for example,
   * the user clears site data. It may close each new one too, so this waits between reconnects.
   */
  #onTerminated(db: IDBDatabase): void {
    const isReplaced = this.#db !== undefined && this.#db !== db
    this.#terminated.add(db)
    this.#drop(db)
    // Chromium fires no event for a transaction that began on the closed connection.
    this.#transactions.failAll(db)
    if (isReplaced || this.#isClosed) return
    const delayMs = Math.max(0, this.#lastReconnectAt + RECONNECT_INTERVAL_MS - performance.now())
    clearTimeout(this.#reconnectTimer)
    this.#reconnectTimer = setTimeout(() => void this.#reconnect(), delayMs)
  }

  async #reconnect(): Promise<void> {
    this.#lastReconnectAt = performance.now()
    // A pending open may belong to the closed connection: wait for it.
    await this.#connecting?.catch(noop)
    if (this.#db !== undefined || this.#isClosed) return
    // If it fails, watchers re-read their keys and get the error.
    await this.#connect().catch(() => this.onKeysInvalidated('unknown'))
  }
}
