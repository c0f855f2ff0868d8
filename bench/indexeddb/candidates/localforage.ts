import localforage from 'localforage'
import type { Change, Value } from '../../task.ts'
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
      /** It has none of its own; this is what its users write. */
      async update(key: string, change: Change) {
        const value = await store.getItem<Value>(key)
        if (value) await store.setItem(key, change(value))
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
