import { createStorage } from 'unstorage'
import indexedDbDriver from 'unstorage/drivers/indexedb'
import type { Updater, Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const STORE = 'keyval'

/** unstorage stores values as JSON, and so a Date as text. */
export const candidate: Candidate = {
  layout: { store: STORE, encode: (value) => JSON.stringify(value) },
  async open(name) {
    const storage = createStorage<Value>({
      driver: indexedDbDriver({ dbName: name, storeName: STORE }),
    })
    return {
      set: (key, value) => storage.setItem(key, value),
      get: (key) => storage.getItem(key),
      // unstorage has no update method. This one loses concurrent updates.
      async update(key: string, updater: Updater) {
        const value = await storage.getItem(key)
        if (value) await storage.setItem(key, updater(value))
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
