import { clear, createStore, entries, get, keys, set, update } from 'idb-keyval'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const STORE = 'keyval'

export const candidate: Candidate = {
  layout: { store: STORE },
  async open(name) {
    const store = createStore(name, STORE)
    return {
      set: (key, value) => set(key, value, store),
      get: (key) => get(key, store),
      update: (key, updater) =>
        update<Value>(key, (value) => updater(value ?? missing(key)), store),
      keys: () => keys<string>(store),
      entries: () => entries<string, Value>(store),
      clear: () => clear(store),
    }
  },
}

function missing(key: string): never {
  throw new Error(`Expected a value of ${key}; received none.`)
}
