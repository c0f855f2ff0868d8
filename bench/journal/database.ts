import { failedUse } from '../../adapters/indexeddb/failures.ts'

/** The entries by key, as the adapter has them. */
export const ENTRIES = 'entries'
/** The index of the entries that expire, by when. */
export const EXPIRY = 'x'
/** What was written and is not among the entries yet, in pieces, by when it was written. */
export const JOURNAL = 'journal'
/** What keys each piece of the journal has, under the same number. */
export const HEADS = 'heads'

/** Opens a database with a journal. */
export function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1)
    request.addEventListener('upgradeneeded', () => {
      const db = request.result
      db.createObjectStore(ENTRIES).createIndex(EXPIRY, EXPIRY)
      // The numbers are never given twice, not even after all pieces were removed.
      db.createObjectStore(JOURNAL, { autoIncrement: true })
      db.createObjectStore(HEADS, { autoIncrement: true })
    })
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('It failed.')))
  })
}

export interface TransactionOptions {
  readonly stores: readonly string[]
  /** Of what is written; without it the transaction only reads. */
  readonly durability?: IDBTransactionDurability
}

/**
 * Runs a transaction: one that reads resolves with what `work` does, one that writes when it has
 * completed. `work` may wait for {@link answered} and for nothing else.
 *
 * @throws StoreError why it was rolled back
 */
export function inTransaction<T>(
  db: IDBDatabase,
  { stores, durability }: TransactionOptions,
  work: (transaction: IDBTransaction) => Promise<T>,
): Promise<T> {
  const transaction =
    durability === undefined
      ? db.transaction(stores)
      : db.transaction(stores, 'readwrite', { durability })
  return new Promise<T>((resolve, reject) => {
    let refused: unknown = null
    transaction.addEventListener('abort', () =>
      reject(failedUse(transaction.error ?? refused, 'unknown')),
    )
    const run = async (): Promise<void> => {
      try {
        const result = await work(transaction)
        if (durability === undefined) return resolve(result)
        transaction.addEventListener('complete', () => resolve(result))
        transaction.commit()
      } catch (error) {
        refused = error
        transaction.abort()
      }
    }
    void run()
  })
}

/**
 * Waits for the last of several requests; they are answered in order. If it fails so does the
 * transaction, and nobody waits any more.
 */
export function answered(request: IDBRequest): Promise<void> {
  return new Promise((resolve) => {
    request.addEventListener('success', () => resolve())
  })
}
