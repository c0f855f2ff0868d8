import { StorageRuntime, type StorageRegistry, type Store } from '../../src/index.ts'
import type { Database, Value } from '../task.ts'

/** Opens a runtime and a store, as a Worker does for each request. */
export async function openBotshelf(
  registry: StorageRegistry,
  storage: string,
  config: Readonly<Record<string, unknown>>,
  name: string,
): Promise<Database> {
  const runtime = await StorageRuntime.start({ STORAGE: storage, STORAGE_CONFIG: config }, registry)
  const store = await runtime.open<Record<string, Value>>(name)
  const counters = store as unknown as Store<Record<string, number>>
  return {
    set: (key, value) => store.set(key, value),
    get: (key) => store.get(key),
    update: (key, updater) => store.update(key, (value) => value && updater(value)),
    increment: (key) => counters.increment(key),
    async entries() {
      const entries: [string, Value][] = []
      for await (const entry of store.entries()) entries.push(entry)
      return entries
    },
    async fill(entries) {
      if (store.traits.atomic !== 'none') return store.setMany(entries)
      return Promise.all(entries.map(([key, value]) => store.set(key, value)))
    },
  }
}
