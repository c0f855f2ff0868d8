import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { nothing } from '../../src/deferred.ts'
import { StorageRuntime } from '../../src/index.ts'
import type { StoragePluginBase } from '../../src/storage.ts'
import { type Contender, more, type Shelf, type Value } from './contender.ts'
import { type Design, JournalStoragePlugin } from './journal-plugin.ts'

/** The adapter as it is, through the public API. */
export const today: Contender = (name, durability) => {
  const config = { STORAGE_CONFIG: { database: 'today', durability } }
  return shelf(new IndexedDBStoragePlugin(config), name, async () => {})
}

/** The adapter with a journal, through the same, moved to the entries in steps of so many pieces. */
export function journal(design: Design, step: number): Contender {
  return (name, durability) => {
    const plugin = new JournalStoragePlugin({ design, durability, step })
    return shelf(plugin, name, async () => plugin.storage?.compact())
  }
}

async function shelf(
  plugin: StoragePluginBase,
  name: string,
  settle: () => Promise<void>,
): Promise<Shelf> {
  const runtime = new StorageRuntime(plugin, { onEvent: nothing })
  const store = await runtime.open<Record<string, Value>>(name)
  return {
    setAll: (entries) => Promise.all(entries.map(([key, value]) => store.set(key, value))),
    get: (key) => store.get(key),
    getAll: (keys) => Promise.all(keys.map((key) => store.get(key))),
    addOne: (keys) =>
      Promise.all(keys.map((key) => store.update(key, (value) => value && more(value)))),
    size: () => store.size(),
    keys: () => listed(store.keys()),
    entries: () => listed(store.entries()),
    settle,
    close: () => runtime.close(),
  }
}

async function listed<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of from) all.push(each)
  return all
}
