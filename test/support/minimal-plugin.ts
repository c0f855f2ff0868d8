import { type Entry, type Manifest, StorageBase, StoragePluginBase } from '../../src/index.ts'

/** The manifest of a third-party plugin that implements only the six required methods. */
export const minimal: Manifest = {
  name: 'Minimal',
  description: 'The six required methods over a Map.',
  load: () => MinimalStoragePlugin,
}

export class MinimalStoragePlugin extends StoragePluginBase {
  readonly #namespaces = new Map<string, Map<string, Entry>>()

  async open(namespace: string): Promise<StorageBase> {
    const map = this.#namespaces.get(namespace) ?? new Map<string, Entry>()
    this.#namespaces.set(namespace, map)
    return new MinimalStorage(map)
  }
}

class MinimalStorage extends StorageBase {
  readonly #map: Map<string, Entry>

  constructor(map: Map<string, Entry>) {
    super()
    this.#map = map
  }

  async get(key: string): Promise<Entry | undefined> {
    return structuredClone(this.#map.get(key))
  }

  async set(key: string, entry: Entry): Promise<void> {
    this.#map.set(key, structuredClone(entry))
  }

  async remove(key: string): Promise<void> {
    this.#map.delete(key)
  }

  async len(): Promise<number> {
    return this.#map.size
  }

  async *keys({ prefix = '' } = {}): AsyncIterable<string> {
    // A copy, because the map may change while it is listed.
    const keys = [...this.#map.keys()]
    for (const key of keys) if (key.startsWith(prefix)) yield key
  }

  async close(): Promise<void> {}
}
