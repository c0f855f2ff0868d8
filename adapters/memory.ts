// The memory adapter
//
// A namespace is a `Map` that belongs to the plugin instance. It is the reference for all backends.
//
// A write: the core has copied the value already. In one synchronous step, `commit` checks the
// conditions of each group, puts its entries into the `Map` and notifies the listeners. A read
// returns a copy of the value. A listing yields from a snapshot of the keys, which are sorted once
// until a key is added.

import { BatchStorageBase } from '../src/batch-storage.ts'
import type { BotConfig } from '../src/config.ts'
import type { Manifest } from '../src/registry.ts'
import { createEntry, type Entry, isLive } from '../src/entry.ts'
import {
  type Change,
  type CommitOptions,
  type KeysOptions,
  type CommitResult,
  type StorageBase,
  type StorageListener,
  StoragePluginBase,
  type StoreChange,
  type Traits,
} from '../src/storage.ts'
import { LocalTurns, type Turns } from '../src/turns.ts'
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
      data = {
        map: new Map(),
        listeners: new Set(),
        turns: new LocalTurns(),
        openCount: 0,
        sortedKeys: undefined,
      }
      this.#namespaces.set(namespace, data)
    }
    return new MemoryStorage(data)
  }

  override async drop(namespace: string): Promise<void> {
    const data = this.#namespaces.get(namespace)
    if (data === undefined) return
    clearAll(data)
    // Another runtime may have the namespace open, and must share it with those that open it later.
    if (data.openCount === 0) this.#namespaces.delete(namespace)
  }

  override async *namespaces(): AsyncIterable<string> {
    for (const [namespace, { map }] of this.#namespaces) if (map.size > 0) yield namespace
  }
}

interface NamespaceData {
  readonly map: Map<string, Entry>
  readonly listeners: Set<StorageListener>
  readonly turns: LocalTurns
  openCount: number
  /** The keys of the map in order, and removed ones; `undefined` after a key was added. */
  sortedKeys: readonly string[] | undefined
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
  readonly isImmediate = true
  readonly turns: Turns
  readonly #data: NamespaceData
  readonly #map: Map<string, Entry>

  constructor(data: NamespaceData) {
    super()
    this.turns = data.turns
    this.#data = data
    this.#map = data.map
    data.openCount++
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#read(keys)
  }

  async commit(
    groups: readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    return this.#apply(groups, options)
  }

  async transact(
    keys: readonly string[],
    apply: (found: Map<string, Entry>) => readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    return this.#apply(apply(this.#read(keys)), options)
  }

  async *entries(options?: KeysOptions): AsyncIterable<[key: string, entry: Entry]> {
    for (const key of this.#selectKeys(options)) {
      const entry = this.#map.get(key)
      if (entry !== undefined) yield [key, copy(entry)]
    }
  }

  async *liveKeys(now: number, options?: KeysOptions): AsyncIterable<string> {
    for (const key of this.#selectKeys(options)) {
      const entry = this.#map.get(key)
      if (entry !== undefined && isLive(entry, now)) yield key
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
    clearAll(this.#data)
  }

  override async clearPrefix(prefix: string): Promise<void> {
    for (const key of this.#map.keys()) if (key.startsWith(prefix)) this.#remove(key)
  }

  watch(listener: StorageListener): () => void {
    const { listeners } = this.#data
    // A wrapper, because a `Set` would merge two subscriptions of one function.
    const wrapper: StorageListener = (change) => listener(change)
    listeners.add(wrapper)
    return () => listeners.delete(wrapper)
  }

  async close(): Promise<void> {
    this.#data.openCount--
  }

  #read(keys: readonly string[]): Map<string, Entry> {
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = this.#map.get(key)
      if (entry !== undefined) found.set(key, copy(entry))
    }
    return found
  }

  /** Selects from the keys as they are now, because the map may change while a listing goes on. */
  #selectKeys({ prefix = '', after, reverse = false }: KeysOptions = {}): readonly string[] {
    // Without a comparator, `toSorted` compares code units.
    const sorted = (this.#data.sortedKeys ??= [...this.#map.keys()].toSorted())
    const keys =
      prefix === '' && after === undefined
        ? sorted
        : sorted.filter(
            (key) =>
              key.startsWith(prefix) &&
              (after === undefined || (reverse ? key < after : key > after)),
          )
    return reverse ? keys.toReversed() : keys
  }

  #apply(
    groups: readonly (readonly Change[])[],
    { now = Number.NEGATIVE_INFINITY, turn }: CommitOptions = {},
  ): readonly CommitResult[] {
    turn?.release()
    return groups.map((changes) => {
      if (!changes.every((change) => this.#isConditionMet(change, now))) return 'conflict'
      for (const change of changes) {
        if ('remove' in change) this.#remove(change.key)
        else if ('entry' in change) {
          if (!this.#map.has(change.key)) this.#data.sortedKeys = undefined
          this.#map.set(change.key, change.entry)
          notify(this.#data, { kind: 'set', key: change.key })
        }
      }
      return 'applied'
    })
  }

  #remove(key: string): void {
    this.#map.delete(key)
    notify(this.#data, { kind: 'remove', key })
  }

  #isConditionMet({ key, ifVersion }: Change, now: number): boolean {
    if (ifVersion === undefined) return true
    const entry = this.#map.get(key)
    const version = entry !== undefined && isLive(entry, now) ? entry.version : null
    return version === ifVersion
  }
}

function clearAll(data: NamespaceData): void {
  data.map.clear()
  data.sortedKeys = undefined
  notify(data, { kind: 'clear' })
}

function notify({ listeners }: NamespaceData, change: StoreChange): void {
  for (const listener of listeners) listener(change)
}

/** Copies a stored entry for a reader, who may change the value. */
function copy({ value, version, expires }: Entry): Entry {
  return createEntry(recopy(value), version, expires)
}
