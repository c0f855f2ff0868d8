import type { Entries } from '../task.ts'
import type { Layout } from './candidate.ts'

/** Opens a database with one object store that has out-of-line keys. */
export function openDatabase(name: string, store: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore(store)
  })
  return requestResult(request)
}

/** Resolves to the result of a request. */
export function requestResult<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('A request failed.')))
  })
}

/** Resolves when a transaction has completed. */
export function transactionDone(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () =>
      reject(transaction.error ?? new Error('A transaction was aborted.')),
    )
  })
}

/** Writes entries to the database of a candidate, in one transaction of a separate connection. */
export async function putEntries(
  database: string,
  layout: Layout,
  entries: Entries,
): Promise<void> {
  const db = await requestResult(indexedDB.open(database))
  try {
    const transaction = db.transaction(layout.store, 'readwrite', { durability: 'relaxed' })
    const store = transaction.objectStore(layout.store)
    for (const [key, value] of entries) store.put(layout.encode?.(value) ?? value, key)
    await transactionDone(transaction)
  } finally {
    db.close()
  }
}
