import { fromTransactionError } from './errors.ts'
import { ENTRIES_STORE } from './format.ts'

/**
 * Sends the requests of a transaction, then calls `finish` with its result. `onSuccess` calls
 * `callback` once all of `requests` have succeeded.
 */
export type TransactionBody<T> = (
  store: IDBObjectStore,
  finish: (result: T) => void,
  onSuccess: (requests: readonly IDBRequest[], callback: () => void) => void,
) => void

export interface TransactionOptions {
  /** The durability of a transaction that writes. Without it the transaction only reads. */
  readonly durability?: IDBTransactionDurability
  /** The object store, if it is not that of the entries. */
  readonly store?: string
}

/** @throws DOMException `InvalidStateError` if the connection is closed */
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
  /** The running transactions: the function that rejects each one, and its connection. */
  readonly #running = new Map<(reason: unknown) => void, IDBDatabase>()

  constructor(onConnectionLost: (db: IDBDatabase) => void) {
    this.#onConnectionLost = onConnectionLost
  }

  /**
   * Runs `body`. A transaction that reads resolves as soon as `body` has finished; one that writes
   * is committed then, and resolves when the commit is complete.
   *
   * @throws StoreError why the transaction was rolled back; or `CONNECTION_LOST`, with the outcome
   * `unknown` if the commit had been requested
   */
  run<T>(transaction: IDBTransaction, body: TransactionBody<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let thrown: unknown = null
      let isCommitting = false
      const fail = (reason: unknown): void => {
        if (!this.#running.delete(fail)) return
        const error = fromTransactionError(reason, isCommitting ? 'unknown' : 'not-applied')
        if (error.code === 'CONNECTION_LOST') this.#onConnectionLost(transaction.db)
        reject(error)
      }
      this.#running.set(fail, transaction.db)
      // If the browser aborted the transaction, what `body` threw is only a consequence.
      transaction.addEventListener('abort', () => fail(transaction.error ?? thrown))
      // The browser would report an exception in a listener to the page, and hide it from us.
      const guard = (callback: () => void): void => {
        try {
          callback()
        } catch (error) {
          thrown = error
          abort(transaction)
        }
      }
      const finish = (result: T): void => {
        const settle = (): void => {
          this.#running.delete(fail)
          resolve(result)
        }
        if (transaction.mode === 'readonly') return settle()
        isCommitting = true
        transaction.addEventListener('complete', settle)
        // Otherwise the browser commits only after it has seen that no request follows.
        transaction.commit()
      }
      guard(() =>
        body(
          transaction.objectStore(transaction.objectStoreNames[0] as string),
          finish,
          (requests, callback) => {
            // Requests of a transaction succeed in the order in which they were sent.
            if (requests.length === 0) callback()
            else requests.at(-1)?.addEventListener('success', () => guard(callback))
          },
        ),
      )
    })
  }

  /**
   * Fails the transactions that run on a connection. Chromium fires no event for a transaction that
   * began after the browser had closed the connection.
   */
  failAll(db: IDBDatabase): void {
    for (const [fail, connection] of this.#running) if (connection === db) fail(null)
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended already.
  }
}
