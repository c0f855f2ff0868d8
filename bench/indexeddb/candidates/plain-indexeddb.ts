import type { Candidate } from '../candidate.ts'
import { openDatabase, requestResult, transactionDone } from '../raw-indexeddb.ts'
import type { Value } from '../../task.ts'

const STORE = 'entries'

/** Uses IndexedDB directly. Operations that begin at once share one transaction. */
export const candidate: Candidate = {
  layout: { store: STORE },
  async open(name) {
    const db = await openDatabase(name, STORE)
    const read = (): IDBObjectStore => db.transaction(STORE, 'readonly').objectStore(STORE)
    const write = (): IDBTransaction =>
      db.transaction(STORE, 'readwrite', { durability: 'relaxed' })
    return {
      async set(key, value) {
        const transaction = write()
        transaction.objectStore(STORE).put(value, key)
        transaction.commit()
        await transactionDone(transaction)
      },
      get: (key) => requestResult(read().get(key)),
      async setAll(entries) {
        const transaction = write()
        const store = transaction.objectStore(STORE)
        for (const [key, value] of entries) store.put(value, key)
        transaction.commit()
        await transactionDone(transaction)
      },
      async getAll(keys) {
        const store = read()
        const requests = keys.map((key) => store.get(key))
        // Requests of one transaction complete in order, so the last one is enough.
        await Promise.all(requests.slice(-1).map((last) => requestResult(last)))
        return requests.map(({ result }) => result as unknown)
      },
      async updateAll(keys, updater) {
        const transaction = write()
        const store = transaction.objectStore(STORE)
        const counts = new Map<string, number>()
        for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
        for (const [key, count] of counts) {
          const request: IDBRequest<Value> = store.get(key)
          request.addEventListener('success', () => {
            let value = request.result
            for (let n = 0; n < count; n++) value = updater(value)
            store.put(value, key)
          })
        }
        await transactionDone(transaction)
      },
      async keys() {
        return (await requestResult(read().getAllKeys())) as string[]
      },
      async entries() {
        const store = read()
        const keys = store.getAllKeys()
        const values = store.getAll()
        await requestResult(values)
        return keys.result.map((key, i) => [key as string, values.result[i] as unknown] as const)
      },
      async clear() {
        const transaction = write()
        transaction.objectStore(STORE).clear()
        transaction.commit()
        await transactionDone(transaction)
      },
      async close() {
        db.close()
      },
    }
  },
}
