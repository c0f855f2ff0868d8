import { createStorage } from 'unstorage'
import indexedDbDriver from 'unstorage/drivers/indexedb'
import type { Change, Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const STORE = 'keyval'

/** It keeps values as JSON, and so a Date as text. */
export const candidate: Candidate = {
  layout: { store: STORE, encode: (value) => JSON.stringify(value) },
  async open(name) {
    const storage = createStorage<Value>({
      driver: indexedDbDriver({ dbName: name, storeName: STORE }),
    })
    return {
      set: (key, value) => storage.setItem(key, value),
      get: (key) => storage.getItem(key),
      /** It has none of its own; this is what its users write. */
      async update(key: string, change: Change) {
        const value = await storage.getItem(key)
        if (value) await storage.setItem(key, change(value))
      },
      keys: () => storage.getKeys(),
      async entries() {
        const items = await storage.getItems(await storage.getKeys())
        return items.map(({ key, value }) => [key, value] as const)
      },
      clear: () => storage.clear(),
    }
  },
}
