// The memory adapter
//
// A namespace is a `Map` that belongs to the plugin instance. It is the reference for all backends.
//
// A write: the core has copied the value already. In one synchronous step, `commit` compares the
// versions of each group, puts its entries into the `Map` and notifies the listeners. A read
// returns a copy of the value.

import { BatchStorageBase } from '../src/batch-storage.ts'
import type { BotConfig } from '../src/config.ts'
import type { Manifest } from '../src/registry.ts'
import {
  type Change,
  createEntry,
  type Entry,
  isLive,
  type KeysOptions,
  type CommitResult,
  type StorageBase,
  type StorageListener,
  StoragePluginBase,
  type StoreChange,
  type Traits,
} from '../src/storage.ts'
import { recopy } from '../src/value/copy-value.ts'

/**
 * The manifest of the memory backend, for tests. It has no settings.
 *
 * @example
 * const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
 */
export const memory: Manifest = {
  name: 'Memory',
  description: 'Keeps data as long as the plugin instance, for tests.',
  config: {},
  load: () => MemoryStoragePlugin,
}

/**
 * Opens namespaces in memory. The data lives as long as this instance, also while a namespace is
 * closed. Writes are atomic within the instance, and not durable. Keys and values have no limit.
 *
 * @example
 * const plugin = new MemoryStoragePlugin()
 * const store = await new StorageRuntime(plugin).open('Karma')
 */
export class MemoryStoragePlugin extends StoragePluginBase {
  readonly #namespaces = new Map<string, NamespaceData>()

  /** @throws StoreError `CONFIG_INVALID` if `STORAGE_CONFIG` has any field */
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

interface NamespaceData {
  readonly map: Map<string, Entry>
  readonly listeners: Set<StorageListener>
}

class MemoryStorage extends BatchStorageBase {
  override readonly traits: Traits = {
    atomic: 'instance',
    durable: false,
    consistency: 'strong',
    // Safe in a Worker too: no call does I/O.
    batchAcrossTicks: true,
    maxKeyBytes: Infinity,
    maxValueBytes: Infinity,
    watch: true,
  }
  readonly #map: Map<string, Entry>
  readonly #listeners: Set<StorageListener>

  constructor({ map, listeners }: NamespaceData) {
    super()
    this.#map = map
    this.#listeners = listeners
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#read(keys)
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly CommitResult[]> {
    return this.#apply(groups)
  }

  async transact(
    keys: readonly string[],
    apply: (found: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly CommitResult[]> {
    return this.#apply(apply(this.#read(keys)))
  }

  async *entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[key: string, entry: Entry]> {
    // A snapshot, because the map may change between two items.
    const keys = [...this.#map.keys()]
    for (const key of keys) {
      const entry = this.#map.get(key)
      if (entry !== undefined && key.startsWith(prefix)) yield [key, copy(entry)]
    }
  }

  async *liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    const snapshot = [...this.#map]
    for (const [key, entry] of snapshot) {
      if (key.startsWith(prefix) && isLive(entry, now)) yield key
    }
  }

  /** Removes expired entries too. */
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
    this.#notify({ kind: 'clear' })
  }

  watch(listener: StorageListener): () => void {
    // A wrapper, because a `Set` would merge two subscriptions of one function.
    const wrapper: StorageListener = (change) => listener(change)
    this.#listeners.add(wrapper)
    return () => this.#listeners.delete(wrapper)
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

  #apply(groups: readonly (readonly Change[])[]): readonly CommitResult[] {
    return groups.map((changes) => {
      if (!changes.every((change) => this.#isConditionMet(change))) return 'conflict'
      for (const change of changes) {
        if ('entry' in change) this.#map.set(change.key, change.entry)
        else this.#map.delete(change.key)
        this.#notify({ kind: 'entry' in change ? 'set' : 'remove', key: change.key })
      }
      return 'applied'
    })
  }

  #notify(change: StoreChange): void {
    for (const listener of this.#listeners) listener(change)
  }

  #isConditionMet({ key, ifVersion }: Change): boolean {
    return ifVersion === undefined || (this.#map.get(key)?.version ?? null) === ifVersion
  }
}

/** Copies a stored entry for a reader, who may change the value. */
function copy({ value, version, expires }: Entry): Entry {
  return createEntry(recopy(value), version, expires)
}
