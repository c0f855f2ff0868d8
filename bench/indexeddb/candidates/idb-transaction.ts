import { type DBSchema, openDB } from 'idb'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const STORE = 'entries'

interface Schema extends DBSchema {
  readonly entries: { key: string; value: Value }
}

/** Uses one transaction for all operations, which the caller must write. */
export const candidate: Candidate = {
  layout: { store: STORE },
  async open(name) {
    const db = await openDB<Schema>(name, 1, {
      upgrade: (database) => void database.createObjectStore(STORE),
    })
    return {
      async setAll(entries) {
        const { store, done } = db.transaction(STORE, 'readwrite')
        await Promise.all([...entries.map(([key, value]) => store.put(value, key)), done])
      },
      async getAll(keys) {
        const { store } = db.transaction(STORE)
        return Promise.all(keys.map((key) => store.get(key)))
      },
    }
  },
}
