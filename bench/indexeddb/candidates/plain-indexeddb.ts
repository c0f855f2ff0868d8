import type { Candidate } from '../candidate.ts'
import { openDatabase, requestResult, transactionDone } from '../raw-indexeddb.ts'
import { itemAt, type Value } from '../../task.ts'

const STORE = 'entries'
const PAGE = 100

/**
 * Uses IndexedDB directly. Operations that begin at once share one transaction; each awaited one has
 * its own, as in a function that is called with one key. What makes it fast in Chromium 156:
 * `commit()` after the last write, which saves waiting for its success event; relaxed durability; one
 * handler for the last request of a list, because requests of one transaction complete in order; no
 * promise per request.
 */
export const candidate: Candidate = {
  layout: { store: STORE },
  async open(name) {
    const db = await openDatabase(name, STORE)
    const read = (): IDBObjectStore => db.transaction(STORE, 'readonly').objectStore(STORE)
    const write = (): IDBTransaction =>
      db.transaction(STORE, 'readwrite', { durability: 'relaxed' })
    return {
      set(key, value) {
        const transaction = write()
        transaction.objectStore(STORE).put(value, key)
        transaction.commit()
        return transactionDone(transaction)
      },
      get: (key) => requestResult(read().get(key)),
      setAll(entries) {
        const transaction = write()
        const store = transaction.objectStore(STORE)
        for (const [key, value] of entries) store.put(value, key)
        transaction.commit()
        return transactionDone(transaction)
      },
      async getAll(keys) {
        const store = read()
        const requests = keys.map((key) => store.get(key))
        // One request for the range of the keys would take less time here, where it holds nothing else.
        await requestResult(itemAt(requests, requests.length - 1))
        return requests.map(({ result }) => result as unknown)
      },
      updateAll(keys, updater) {
        const transaction = write()
        const store = transaction.objectStore(STORE)
        const counts = new Map<string, number>()
        for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
        const requests = Array.from(counts, ([key, count]) => {
          const request: IDBRequest<Value> = store.get(key)
          return { key, count, request }
        })
        itemAt(requests, requests.length - 1).request.onsuccess = () => {
          for (const { key, count, request } of requests) {
            let value = request.result
            for (let n = 0; n < count; n++) value = updater(value)
            store.put(value, key)
          }
          transaction.commit()
        }
        return transactionDone(transaction)
      },
      async keys() {
        return (await requestResult(read().getAllKeys())) as string[]
      },
      async entries() {
        const store = read()
        const entries: [string, unknown][] = []
        let range: IDBKeyRange | undefined
        // In pages of 100, Chromium 156 takes less time than for all values in one message.
        for (;;) {
          const request = store.getAllKeys(range, PAGE)
          const values: readonly unknown[] = await requestResult(store.getAll(range, PAGE))
          // Each access of `result` calls the engine.
          const keys = request.result as string[]
          for (const [i, key] of keys.entries()) entries.push([key, values[i]])
          if (keys.length < PAGE) return entries
          range = IDBKeyRange.lowerBound(keys.at(-1), true)
        }
      },
      clear() {
        const transaction = write()
        transaction.objectStore(STORE).clear()
        transaction.commit()
        return transactionDone(transaction)
      },
      async close() {
        db.close()
      },
    }
  },
}
