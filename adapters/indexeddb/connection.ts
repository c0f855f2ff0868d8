import { noop, sleep } from '../../src/async.ts'
import { StoreError } from '../../src/errors.ts'
import type { StorageHost } from '../../src/storage.ts'
import { fromTransactionError } from './errors.ts'
import { ENTRIES, IDENTITY, META } from './format.ts'
import { landmark } from './landmark.ts'
import { openDatabase } from './open-database.ts'

/** How long after one look at a database that was closed the next comes, in milliseconds. */
const BETWEEN_LOOKS = 1000

export interface ConnectionOptions {
  /** The name of the database. */
  readonly name: string
  /** How long opening may take, in milliseconds. */
  readonly openTimeout: number
  readonly tell: StorageHost['emit']
}

/**
 * Sends the requests of a transaction and says what it comes to, which is then committed if it
 * writes. `after` calls back when requests have succeeded; they are answered in order.
 */
export type Work<T> = (
  store: IDBObjectStore,
  answer: (result: T) => void,
  after: (requests: readonly IDBRequest[], then: () => void) => void,
) => void

/** What requests result in, one by one. */
type Results<R extends readonly IDBRequest[]> = {
  -readonly [I in keyof R]: R[I] extends IDBRequest<infer T> ? T : never
}

export interface TransactionOptions {
  /** Of what is written; without it the transaction only reads. */
  readonly durability?: IDBTransactionDurability
  /** Another store than the entries. */
  readonly store?: string
}

/**
 * A connection to one database that outlives the browser's own: it stands aside for whoever
 * upgrades or deletes the database, and is made anew, once for each use, where it was lost.
 */
export class Connection {
  readonly name: string
  readonly #openTimeout: number
  readonly #tell: StorageHost['emit']
  /**
   * What ends the transactions under way. Of those that were begun on a connection which the
   * browser had closed, Chromium says nothing more; they end when it is known to be lost.
   */
  readonly #running = new Map<(reason: unknown) => void, IDBDatabase>()
  #db: IDBDatabase | undefined
  #opening: Promise<IDBDatabase> | undefined
  /** What tells the database from one made anew under its name; pending while it is read. */
  #identity: Promise<string | undefined> | undefined
  /** Is it told already that what there was before the next connection is gone? */
  #lossTold = false
  #stoodAside = false
  /** The connections that the browser has closed. */
  readonly #lost = new WeakSet<IDBDatabase>()
  #lookedAt = -BETWEEN_LOOKS
  #looking: ReturnType<typeof setTimeout> | undefined
  #closed = false
  /** Called when the data is gone that was there; `unknown` if other data may be there by now. */
  onDataLost: (kind: 'clear' | 'unknown') => void = noop

  constructor({ name, openTimeout, tell }: ConnectionOptions) {
    this.name = name
    this.#openTimeout = openTimeout
    this.#tell = tell
  }

  /** @throws StoreError why the database cannot be opened */
  async open(): Promise<void> {
    await this.#connect()
  }

  /**
   * Runs a transaction, at once where there is a connection. One that reads resolves with its
   * answer, one that writes when it has completed.
   *
   * @throws StoreError `CONNECTION_LOST` if a new connection is as dead as the old one, and why else it was
   * rolled back
   */
  async run<T>(work: Work<T>, options: TransactionOptions = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const db = this.#db ?? (await this.#connect())
      let result: Promise<T>
      try {
        result = this.#runOn(db, work, options)
      } catch (error) {
        // Nothing was sent, so it is safe to begin again.
        const failed = fromTransactionError(error, 'not-applied')
        if (failed.code !== 'CONNECTION_LOST') throw failed
        this.#drop(db)
        if (attempt === 2) throw failed
        continue
      }
      return result
    }
  }

  /** Answers requests that only read. */
  async read<const R extends readonly IDBRequest[]>(
    request: (entries: IDBObjectStore) => R,
  ): Promise<Results<R>> {
    return this.run((entries, answer, after) => {
      const requests = request(entries)
      after(requests, () => answer(requests.map(({ result }) => result as unknown) as Results<R>))
    })
  }

  /** Did another page delete or upgrade the database, and has nobody needed it since? */
  get hasStoodAside(): boolean {
    return this.#stoodAside
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#looking)
    await this.#opening?.catch(noop)
    // So that the mark of what there is stands, and what was lost is told.
    await this.#identity
    this.#db?.close()
    this.#db = undefined
  }

  /** @throws DOMException `InvalidStateError` at once if the connection is closed */
  #runOn<T>(
    db: IDBDatabase,
    work: Work<T>,
    { durability, store = ENTRIES }: TransactionOptions,
  ): Promise<T> {
    const transaction =
      durability === undefined
        ? db.transaction(store)
        : db.transaction(store, 'readwrite', { durability })
    return new Promise<T>((resolve, reject) => {
      let refused: unknown = null
      let isSent = false
      const end = (reason: unknown): void => {
        if (!this.#running.delete(end)) return
        const error = fromTransactionError(reason, isSent ? 'unknown' : 'not-applied')
        // A connection that lost one transaction is not trusted with another.
        if (error.code === 'CONNECTION_LOST') this.#drop(db)
        reject(error)
      }
      this.#running.set(end, db)
      // The browser may have aborted it first; then what was thrown here only tells of that.
      transaction.addEventListener('abort', () => end(transaction.error ?? refused))
      // What is thrown in a listener would be reported to the page, and its reason be lost here.
      const step = (take: () => void): void => {
        try {
          take()
        } catch (error) {
          refused = error
          abort(transaction)
        }
      }
      const answer = (result: T): void => {
        const settle = (): void => {
          this.#running.delete(end)
          resolve(result)
        }
        if (durability === undefined) return settle()
        isSent = true
        transaction.addEventListener('complete', settle)
        // Not by itself, which would be once the browser has seen that nothing more comes.
        transaction.commit()
      }
      step(() =>
        work(transaction.objectStore(store), answer, (requests, then) => {
          const last = requests.at(-1)
          if (last === undefined) then()
          else last.addEventListener('success', () => step(then))
        }),
      )
    })
  }

  /** Lets go of a connection that turned out dead; the next use makes a new one. */
  #drop(db: IDBDatabase): void {
    if (this.#db === db) this.#db = undefined
    db.close()
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
    // Whoever opens for the first time need not wait for it. Reading the mark holds up the page.
    const before = reopened ? this.#identity : sleep(0)
    this.#identity = before?.then((last) => this.#recognise(db, last ?? undefined))
    if (reopened) await this.#identity
    // It may have gone again meanwhile; whoever uses it will see.
    if (!this.#lost.has(db)) this.#db = db
    if (reopened) this.#tell('reopened', 'the database had been closed under this page')
    return db
  }

  /** Tells the database from one made anew under its name, by this tab or another. */
  async #recognise(db: IDBDatabase, before: string | undefined): Promise<string | undefined> {
    const mark = `botshelf:${this.name}`
    const wasTold = this.#lossTold
    this.#lossTold = false
    const last = before ?? landmark((marks) => marks.getItem(mark))
    const identity = await this.#identify(db).catch(noop)
    if (identity === undefined) {
      this.#lossTold ||= wasTold
      return last
    }
    const isLost = last !== undefined && last !== identity
    if (isLost && !wasTold) this.#tell('data-lost', 'the database was made anew, and empty')
    // A deletion that was told may not have come about after all.
    if (isLost !== wasTold) this.onDataLost('unknown')
    landmark((marks) => marks.setItem(mark, identity))
    return identity
  }
  async #identify(db: IDBDatabase): Promise<string | undefined> {
    return this.#runOn(
      db,
      (store, answer, after) => {
        const request: IDBRequest<{ id?: string } | undefined> = store.get(IDENTITY)
        after([request], () => answer(request.result?.id))
      },
      { store: META },
    )
  }

  // Whoever wants to upgrade or delete the database waits until all others have closed it.
  #standAside(db: IDBDatabase, deletes: boolean): void {
    this.#stoodAside = true
    if (deletes) {
      this.#lossTold = true
      void this.#loseAll(db)
    }
    this.#drop(db)
  }

  /** What was begun before the deletion still completes, and then it is lost with the rest. */
  async #loseAll(db: IDBDatabase): Promise<void> {
    try {
      // It waits for all that write.
      await this.#runOn<void>(db, (_, answer) => answer(), { durability: 'relaxed' })
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
    this.#drop(db)
    for (const [end, of] of this.#running) if (of === db) end(null)
    if (isReplaced || this.#closed) return
    const wait = Math.max(0, this.#lookedAt + BETWEEN_LOOKS - performance.now())
    clearTimeout(this.#looking)
    this.#looking = setTimeout(() => this.#look(), wait)
  }

  #look(): void {
    this.#lookedAt = performance.now()
    // An opening under way may be that of the very connection which was lost.
    void (this.#opening ?? Promise.resolve()).catch(noop).then(() => {
      if (this.#db !== undefined || this.#closed) return undefined
      // Whoever reads for a watch then will see why it cannot be opened.
      return this.#connect().catch(() => this.onDataLost('unknown'))
    })
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended already.
  }
}
