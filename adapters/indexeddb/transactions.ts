import { ENTRIES } from './format.js'

/** How a transaction ended: `undefined` if it completed, else its error, if it has one of its own. */
export type End = { readonly error: DOMException | null } | undefined

/** A transaction that was begun. It is active until the event loop goes on. */
export interface Running {
  readonly transaction: IDBTransaction
  readonly store: IDBObjectStore
  /** Never rejects. */
  readonly ended: Promise<End>
}

/**
 * The transactions under way. Of those that were begun on a connection which the browser had closed,
 * Chromium says nothing more; they end when the connection is known to be lost.
 */
export class Transactions {
  readonly #losers = new Set<(lost: IDBDatabase) => void>()

  /** @throws DOMException `InvalidStateError` if the connection is closed */
  begin(
    db: IDBDatabase,
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
    storeName: string = ENTRIES,
  ): Running {
    const transaction = db.transaction(storeName, mode, { durability })
    const ended = new Promise<End>((resolve) => {
      const settle = (end: End): void => {
        this.#losers.delete(lose)
        resolve(end)
      }
      const lose = (lost: IDBDatabase): void => {
        if (lost === db) settle({ error: null })
      }
      this.#losers.add(lose)
      transaction.addEventListener('complete', () => settle(undefined))
      transaction.addEventListener('abort', () => settle({ error: transaction.error }))
    })
    return { transaction, store: transaction.objectStore(storeName), ended }
  }

  /** Ends those of a connection that is lost. */
  lose(db: IDBDatabase): void {
    for (const lose of this.#losers) lose(db)
  }
}
