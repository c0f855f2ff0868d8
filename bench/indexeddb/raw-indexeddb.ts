import type { Pairs } from '../task.ts'
import type { Layout } from './candidate.ts'

/** Opens a database with one store, whose keys stand beside its records. */
export function openDatabase(name: string, store: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore(store)
  })
  return settled(request)
}

/** The result of one request. */
export function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('It failed.')))
  })
}

export function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () =>
      reject(transaction.error ?? new Error('It was aborted.')),
    )
  })
}

/** Writes records into somebody's database, in one transaction and over a connection of its own. */
export async function put(database: string, layout: Layout, entries: Pairs): Promise<void> {
  const db = await settled(indexedDB.open(database))
  try {
    const transaction = db.transaction(layout.store, 'readwrite', { durability: 'relaxed' })
    const store = transaction.objectStore(layout.store)
    for (const [key, value] of entries) store.put(layout.encode?.(value) ?? value, key)
    await completed(transaction)
  } finally {
    db.close()
  }
}
