import type { Candidate } from '../candidate.ts'
import { completed, openDatabase, settled } from '../raw-indexeddb.ts'
import type { Value } from '../../task.ts'

const STORE = 'entries'

/** The platform by hand, as fast as it goes: what is at once is one transaction. */
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
        await completed(transaction)
      },
      get: (key) => settled(read().get(key)),
      async setAll(entries) {
        const transaction = write()
        const store = transaction.objectStore(STORE)
        for (const [key, value] of entries) store.put(value, key)
        transaction.commit()
        await completed(transaction)
      },
      async getAll(keys) {
        const store = read()
        const requests = keys.map((key) => store.get(key))
        // They are answered in order.
        await Promise.all(requests.slice(-1).map((last) => settled(last)))
        return requests.map(({ result }) => result as unknown)
      },
      async updateAll(keys, change) {
        const transaction = write()
        const store = transaction.objectStore(STORE)
        const times = new Map<string, number>()
        for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1)
        for (const [key, count] of times) {
          const request: IDBRequest<Value> = store.get(key)
          request.addEventListener('success', () => {
            let value = request.result
            for (let n = 0; n < count; n++) value = change(value)
            store.put(value, key)
          })
        }
        await completed(transaction)
      },
      async keys() {
        return (await settled(read().getAllKeys())) as string[]
      },
      async entries() {
        const store = read()
        const keys = store.getAllKeys()
        const values = store.getAll()
        await settled(values)
        return keys.result.map((key, i) => [key as string, values.result[i] as unknown] as const)
      },
      async clear() {
        const transaction = write()
        transaction.objectStore(STORE).clear()
        transaction.commit()
        await completed(transaction)
      },
      async close() {
        db.close()
      },
    }
  },
}
