import { type Entry, type Manifest, StorageBase, StoragePluginBase } from '../../src/index.ts'

/** A plugin of a third party with no more than the contract asks for. */
export const minimal: Manifest = {
  name: 'Six',
  description: 'Six methods over a Map of text.',
  load: () => MinimalStoragePlugin,
}

export class MinimalStoragePlugin extends StoragePluginBase {
  readonly #namespaces = new Map<string, Map<string, Entry>>()

  async open(namespace: string): Promise<StorageBase> {
    const map = this.#namespaces.get(namespace) ?? new Map<string, Entry>()
    this.#namespaces.set(namespace, map)
    return new SixStorage(map)
  }
}

class SixStorage extends StorageBase {
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
    // Not the map itself: it may be written while it is listed.
    const keys = [...this.#map.keys()]
    for (const key of keys) if (key.startsWith(prefix)) yield key
  }

  async close(): Promise<void> {}
}
