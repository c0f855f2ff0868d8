import { BatchStorageBase } from '../src/batch-storage.ts'
import type { BotConfig } from '../src/config.ts'
import type { Manifest } from '../src/registry.ts'
import {
  type Change,
  type Entry,
  isLive,
  type KeysOptions,
  type Outcome,
  type StorageBase,
  type StorageListener,
  StoragePluginBase,
  type StoreChange,
  type Traits,
} from '../src/storage.ts'
import { recopy } from '../src/value/copy-value.ts'

export const memory: Manifest = {
  name: 'Memory',
  description:
    'Keeps data as long as the plugin instance; for tests, and the reference of every rule.',
  config: {},
  load: () => MemoryStoragePlugin,
}

/**
 * One `Map` a namespace. The data lives as long as this instance, whatever is opened and closed.
 * Atomic within the instance; nothing is durable; keys and values have no limit of their own.
 */
export class MemoryStoragePlugin extends StoragePluginBase {
  readonly #namespaces = new Map<string, Namespace>()

  constructor(config?: BotConfig | null) {
    super(config, memory.config)
  }

  async open(namespace: string): Promise<StorageBase> {
    let data = this.#namespaces.get(namespace)
    if (data === undefined) {
      this.#namespaces.set(namespace, (data = { map: new Map(), listeners: new Set() }))
    }
    return new MemoryStorage(data)
  }

  override async *namespaces(): AsyncIterable<string> {
    for (const [namespace, { map }] of this.#namespaces) if (map.size > 0) yield namespace
  }
}

interface Namespace {
  readonly map: Map<string, Entry>
  readonly listeners: Set<StorageListener>
}

class MemoryStorage extends BatchStorageBase {
  override readonly traits: Traits = {
    atomic: 'instance',
    durable: false,
    consistency: 'strong',
    batchAcrossTicks: true,
    maxKeyBytes: Infinity,
    maxValueBytes: Infinity,
    watch: true,
  }
  readonly #map: Map<string, Entry>
  readonly #listeners: Namespace['listeners']

  constructor({ map, listeners }: Namespace) {
    super()
    this.#map = map
    this.#listeners = listeners
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#read(keys)
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    return this.#apply(groups)
  }

  async transact(
    keys: readonly string[],
    apply: (now: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly Outcome[]> {
    return this.#apply(apply(this.#read(keys)))
  }

  async *entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    const keys = [...this.#map.keys()]
    for (const key of keys) {
      const entry = this.#map.get(key)
      if (entry !== undefined && key.startsWith(prefix)) yield [key, copy(entry)]
    }
  }

  async *liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    const there = [...this.#map]
    for (const [key, entry] of there) {
      if (key.startsWith(prefix) && isLive(entry, now)) yield key
    }
  }

  async liveLen(now: number): Promise<number> {
    let count = 0
    for (const [key, entry] of this.#map) {
      if (isLive(entry, now)) count++
      else this.#map.delete(key)
    }
    return count
  }

  async clear(): Promise<void> {
    this.#map.clear()
    this.#tell({ kind: 'clear' })
  }

  watch(listener: StorageListener): () => void {
    // Of its own, so that one function can listen twice.
    const own: StorageListener = (change) => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {}

  #read(keys: readonly string[]): Map<string, Entry> {
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = this.#map.get(key)
      if (entry !== undefined) found.set(key, copy(entry))
    }
    return found
  }

  #apply(groups: readonly (readonly Change[])[]): readonly Outcome[] {
    return groups.map((changes) => {
      if (!changes.every((change) => this.#holds(change))) return 'conflict'
      for (const change of changes) {
        if ('entry' in change) this.#map.set(change.key, change.entry)
        else this.#map.delete(change.key)
        this.#tell({ kind: 'entry' in change ? 'set' : 'remove', key: change.key })
      }
      return 'applied'
    })
  }

  #tell(change: StoreChange): void {
    for (const listener of this.#listeners) listener(change)
  }

  #holds({ key, ifVersion }: Change): boolean {
    return ifVersion === undefined || (this.#map.get(key)?.version ?? null) === ifVersion
  }
}

// What is kept was copied by the core and is never changed; what is handed out is the reader's.
function copy(entry: Entry): Entry {
  const { version, expires } = entry
  const value = recopy(entry.value)
  return expires === undefined ? { value, version } : { value, version, expires }
}
