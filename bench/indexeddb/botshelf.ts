import { indexeddb } from '../../adapters/indexeddb.ts'
import { StorageRuntime } from '../../src/index.ts'
import type { Value } from '../task.ts'
import type { Candidate } from './candidate.ts'

type Shape = Record<string, Value>

/** Measures the API as the README shows it. */
export function botshelf(durability: 'strict' | 'relaxed'): Candidate {
  return {
    async open(name) {
      const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'bench', durability } }
      const runtime = await StorageRuntime.start(config, [indexeddb])
      const store = await runtime.open<Shape>(name)
      return {
        set: (key, value) => store.set(key, value),
        get: (key) => store.get(key),
        update: (key, updater) => store.update(key, (value) => value && updater(value)),
        updateSlowly: (key, updater) => store.update(key, (value) => value && updater(value)),
        async keys() {
          const keys: string[] = []
          for await (const key of store.keys()) keys.push(key)
          return keys
        },
        async entries() {
          const entries: [string, Value][] = []
          for await (const entry of store.entries()) entries.push(entry)
          return entries
        },
        clear: () => store.clear(),
        fill: (entries) => store.setMany(entries),
        close: () => runtime.close(),
      }
    },
  }
}
