import { fromTransactionError } from './errors.ts'
import { ENTRIES_STORE } from './format.ts'

/**
 * Sends the requests of a transaction and calls `finish` with its result. `onSuccess` calls
 * `callback` once all `requests` have succeeded. If one fails, the error names its key in `keys`.
 */
export type TransactionBody<T> = (
  store: IDBObjectStore,
  finish: (result: T) => void,
  onSuccess: (
    requests: readonly IDBRequest[],
    callback: () => void,
    keys?: readonly string[],
  ) => void,
) => void

export interface TransactionOptions {
  /** The durability of a transaction that writes. Without it the transaction only reads. */
  readonly durability?: IDBTransactionDurability
  /** The object store; that of the entries by default. */
  readonly store?: string
  /** Whether it may run in the transaction of an earlier read: see `TransactionRunner.begin`. */
  readonly canShare?: boolean
}

/**
 * How many reads share a transaction at most. A write of another tab waits for the transaction, and
 * runs before the next one.
 */
const MAX_SHARED_READS = 64

/** `IDBTransaction.error` of a transaction that ended because its connection was lost. */
export const NO_ERROR = null

/**
 * Begins a transaction on one object store.
 *
 * @throws DOMException `InvalidStateError` if the connection is closed
 */
export function beginTransaction(
  db: IDBDatabase,
  { durability, store = ENTRIES_STORE }: TransactionOptions,
): IDBTransaction {
  return durability === undefined
    ? db.transaction(store)
    : db.transaction(store, 'readwrite', { durability })
}

/** Runs transactions, and fails those whose connection is lost. */
export class TransactionRunner {
  readonly #onConnectionLost: (db: IDBDatabase) => void
  /** The running transactions, and the function that rejects the promise of each. */
  readonly #running = new Map<IDBTransaction, (reason: unknown) => void>()
  /**
   * The last transaction that reads may share. `undefined` once it has failed or is no longer active,
   * and once `begin` has begun one that writes. (`Connection` begins another that writes, on a
   * connection on which no read begins any more.)
   */
  #shared: IDBTransaction | undefined
  #sharedReads = 0

  /** @param onConnectionLost called when a transaction fails because its connection is lost */
  constructor(onConnectionLost: (db: IDBDatabase) => void) {
    this.#onConnectionLost = onConnectionLost
  }

  /**
   * Begins a transaction. With `canShare` it may be that of an earlier read whose promise has just
   * resolved: one read at a time uses it, and each begins in the microtasks of the answer before it,
   * while the transaction is active. A read never shares one that is older than a write of this
   * connection.
   *
   * @throws DOMException `InvalidStateError` if the connection is closed
   */
  begin(db: IDBDatabase, options: TransactionOptions): IDBTransaction {
    const { durability, canShare } = options
    const shared = this.#shared
    const isFree = shared?.db === db && !this.#running.has(shared)
    if (canShare && isFree && this.#sharedReads < MAX_SHARED_READS) {
      this.#sharedReads++
      return shared
    }
    const transaction = beginTransaction(db, options)
    if (durability !== undefined) this.#shared = undefined
    else if (canShare) {
      this.#shared = transaction
      this.#sharedReads = 1
    }
    return transaction
  }

  /**
   * Runs `body`. A transaction that reads resolves as soon as `body` calls `finish`. One that writes
   * is committed then, and resolves when the commit is complete.
   *
   * @throws StoreError as `Connection.run`
   */
  run<T>(transaction: IDBTransaction, body: TransactionBody<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let thrown: unknown = NO_ERROR
      let isCommitting = false
      let sent: readonly IDBRequest[] = []
      let sentKeys: readonly string[] | undefined
      const fail = (reason: unknown, key?: string): void => {
        // An earlier read that shares the transaction has settled.
        if (this.#running.get(transaction) !== fail) return
        this.#running.delete(transaction)
        if (this.#shared === transaction) this.#shared = undefined
        const outcomeIfLost = isCommitting ? 'unknown' : 'not-applied'
        const error = fromTransactionError(reason, { outcomeIfLost, key })
        if (error.code === 'CONNECTION_LOST') this.#onConnectionLost(transaction.db)
        reject(error)
      }
      // An exception in an event listener would go to `window.onerror` instead of the promise.
      const abortOnThrow = (callback: () => void): void => {
        try {
          callback()
        } catch (error) {
          thrown = error
          if (!abort(transaction) && !isCommitting) fail(transaction.error)
        }
      }
      const finish = (result: T): void => {
        const settle = (): void => {
          this.#running.delete(transaction)
          resolve(result)
        }
        if (transaction.mode === 'readonly') return settle()
        isCommitting = true
        transaction.addEventListener('complete', settle)
        // Otherwise the browser commits only after it has seen that no request follows.
        transaction.commit()
      }
      this.#running.set(transaction, fail)
      // Before the listener: the browser works on the requests meanwhile.
      abortOnThrow(() =>
        body(
          transaction.objectStore(transaction.objectStoreNames[0] as string),
          finish,
          (requests, callback, keys) => {
            sent = requests
            sentKeys = keys
            // Requests of a transaction succeed in the order in which they were sent.
            const last = requests.at(-1)
            if (last === undefined) return callback()
            last.addEventListener('success', () => abortOnThrow(callback))
            // The microtasks of a listener run before the next listener.
            if (this.#shared === transaction) last.addEventListener('success', this.#forgetUnused)
          },
        ),
      )
      transaction.addEventListener('abort', () => {
        const failed = sent.findIndex(isCause)
        // If the browser aborted the transaction, what `body` threw is only a consequence.
        fail(transaction.error ?? thrown, sentKeys?.[failed])
      })
    })
  }

  /** Releases a transaction that no read uses any more, and with it what they have read. */
  readonly #forgetUnused = (): void => {
    if (this.#shared && !this.#running.has(this.#shared)) this.#shared = undefined
  }

  /**
   * Aborts and fails the transactions that run on a connection, or on all of them. The browser aborts
   * none whose commit was requested.
   */
  failAll(db?: IDBDatabase): void {
    for (const [transaction, fail] of this.#running) {
      if (db !== undefined && transaction.db !== db) continue
      abort(transaction)
      fail(NO_ERROR)
    }
  }
}

/** Whether a request has failed, and not because its transaction was aborted. */
function isCause(request: IDBRequest): boolean {
  return request.readyState === 'done' && (request.error?.name ?? 'AbortError') !== 'AbortError'
}

/** Aborts a transaction. Returns false if it has ended already. */
function abort(transaction: IDBTransaction): boolean {
  try {
    transaction.abort()
    return true
  } catch {
    return false
  }
}
