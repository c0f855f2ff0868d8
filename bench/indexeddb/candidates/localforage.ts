import localforage from 'localforage'
import type { Updater, Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const STORE = 'keyvaluepairs'

export const candidate: Candidate = {
  layout: { store: STORE },
  async open(name) {
    const store = localforage.createInstance({
      name,
      storeName: STORE,
      driver: localforage.INDEXEDDB,
    })
    await store.ready()
    return {
      set: (key, value) => store.setItem(key, value),
      get: (key) => store.getItem(key),
      // localforage has no update method. This one loses concurrent updates.
      async update(key: string, updater: Updater) {
        const value = await store.getItem<Value>(key)
        if (value) await store.setItem(key, updater(value))
      },
      keys: () => store.keys(),
      async entries() {
        const entries: [string, unknown][] = []
        await store.iterate((value, key) => {
          entries.push([key, value])
        })
        return entries
      },
      clear: () => store.clear(),
    }
  },
}
