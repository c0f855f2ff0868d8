import { type DBSchema, openDB } from 'idb'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const STORE = 'entries'

interface Schema extends DBSchema {
  readonly entries: { key: string; value: Value }
}

export const candidate: Candidate = {
  layout: { store: STORE },
  async open(name) {
    const db = await openDB<Schema>(name, 1, {
      upgrade: (database) => void database.createObjectStore(STORE),
    })
    return {
      set: (key, value) => db.put(STORE, value, key),
      get: (key) => db.get(STORE, key),
      async update(key, updater) {
        const transaction = db.transaction(STORE, 'readwrite')
        const value = await transaction.store.get(key)
        if (value) await transaction.store.put(updater(value), key)
        await transaction.done
      },
      keys: () => db.getAllKeys(STORE),
      async entries() {
        const { store } = db.transaction(STORE)
        const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()])
        return keys.map((key, i) => [key, values[i]] as const)
      },
      clear: () => db.clear(STORE),
      async close() {
        db.close()
      },
    }
  },
}
