import { type Contender, more, type Pairs, type Value } from './contender.ts'

const STORE = 'entries'

/** The platform by hand: what is at once is one transaction. */
export const raw: Contender = byHand((store, entries) => {
  for (const [key, value] of entries) store.put(value, key)
})

/** The floor: what is written at once is one record, which nobody could find again. */
export const packed: Contender = byHand((store, entries) => {
  store.put(entries, 'all')
})

function byHand(put: (store: IDBObjectStore, entries: Pairs) => void): Contender {
  return async (name, durability) => {
    const request = indexedDB.open(name, 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE))
    const db = await settled(request)
    const read = (): IDBObjectStore => db.transaction(STORE).objectStore(STORE)
    const write = (): IDBTransaction => db.transaction(STORE, 'readwrite', { durability })
    return {
      async setAll(entries) {
        const transaction = write()
        put(transaction.objectStore(STORE), entries)
        transaction.commit()
        await completed(transaction)
      },
      get: (key) => settled<Value | undefined>(read().get(key)),
      async getAll(keys) {
        const store = read()
        const requests = keys.map((key): IDBRequest<Value | undefined> => store.get(key))
        await completed(store.transaction)
        return requests.map(({ result }) => result)
      },
      async addOne(keys) {
        const transaction = write()
        const store = transaction.objectStore(STORE)
        const times = new Map<string, number>()
        for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1)
        for (const [key, count] of times) {
          const value: IDBRequest<Value> = store.get(key)
          value.addEventListener('success', () => {
            let next = value.result
            for (let n = 0; n < count; n++) next = more(next)
            store.put(next, key)
          })
        }
        await completed(transaction)
      },
      size: () => settled(read().count()),
      keys: () => settled(read().getAllKeys() as IDBRequest<string[]>),
      async entries() {
        const store = read()
        const keys = store.getAllKeys() as IDBRequest<string[]>
        const values: IDBRequest<Value[]> = store.getAll()
        await completed(store.transaction)
        return keys.result.flatMap((key, at) => {
          const value = values.result[at]
          return value === undefined ? [] : [[key, value] as const]
        })
      },
      async settle() {},
      async close() {
        db.close()
      },
    }
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('It failed.')))
  })
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () =>
      reject(transaction.error ?? new Error('It was aborted.')),
    )
  })
}
