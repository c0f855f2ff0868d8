// The memory adapter
//
// A namespace is a `Map` that belongs to the plugin instance. It is the reference for all backends.
//
// A write: the core has copied the value already. In one synchronous step, `commit` checks the
// conditions of each group, puts its entries into the `Map` and notifies the listeners. A read
// returns a copy of the value. A listing yields from a snapshot of the keys, which are sorted once
// until a key is added.
//
// What has expired is freed by memory/expiry-sweep.ts, without a notification.

import { BatchStorageBase } from '../src/batch-storage.ts'
import type { BotConfig } from '../src/config.ts'
import type { Manifest } from '../src/registry.ts'
import { createEntry, type Entry, isConditionMet, isLive } from '../src/entry.ts'
import { type Listing, listPages } from '../src/listing.ts'
import {
  type Change,
  type CommitOptions,
  type KeysOptions,
  type CommitResult,
  type StorageBase,
  type StorageHost,
  type StorageListener,
  StoragePluginBase,
  type StoreChange,
  type Traits,
} from '../src/storage.ts'
import { SyncAccess } from '../src/sync-access.ts'
import { LocalTurns, type Turns } from '../src/turns.ts'
import { createWatch } from '../src/watch.ts'
import { recopy } from '../src/value/copy-value.ts'
import { ExpirySweep } from './memory/expiry-sweep.ts'

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

  async open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    const data = this.#namespaces.get(namespace) ?? createData()
    this.#namespaces.set(namespace, data)
    // With several runtimes, the clock of the last one counts.
    if (host !== undefined) data.sweep.now = () => host.now()
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
  readonly sweep: ExpirySweep
}

function createData(): NamespaceData {
  const map = new Map<string, Entry>()
  const data: NamespaceData = {
    map,
    listeners: new Set(),
    turns: new LocalTurns(),
    openCount: 0,
    sortedKeys: undefined,
    sweep: new ExpirySweep(map, (key) => deleteKey(data, key)),
  }
  return data
}

/** The most entries that a listing copies before its reader requests them. */
const MAX_PAGE = 256

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
  readonly sync: SyncAccess = new SyncAccess({
    get: (key) => {
      this.#data.sweep.runIfDue()
      return this.#get(key)
    },
    commit: (group, now) => this.#applyGroup(group, now),
  })
  readonly createWatch = createWatch
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
    this.#data.sweep.runIfDue()
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

  entries(options?: KeysOptions): Listing<[key: string, entry: Entry]> {
    return listPages(() => this.#pages(options, (key, entry) => [key, copy(entry)]))
  }

  liveKeys(now: number, options?: KeysOptions): Listing<string> {
    return listPages(() =>
      this.#pages(options, (key, entry) => (isLive(entry, now) ? key : undefined)),
    )
  }

  async liveLen(now: number): Promise<number> {
    this.#data.sweep.runIfDue()
    let count = 0
    for (const entry of this.#map.values()) if (isLive(entry, now)) count++
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

  #get(key: string): Entry | undefined {
    const entry = this.#map.get(key)
    return entry && copy(entry)
  }

  #read(keys: readonly string[]): Map<string, Entry> {
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = this.#get(key)
      if (entry !== undefined) found.set(key, entry)
    }
    return found
  }

  /** Lists in pages that grow: a reader that wants one entry has few others copied. */
  async *#pages<T>(
    options: KeysOptions | undefined,
    toItem: (key: string, entry: Entry) => T | undefined,
  ): AsyncGenerator<readonly T[]> {
    const keys = this.#selectKeys(options)
    for (let start = 0, end = 1; start < keys.length; start = end, end += Math.min(end, MAX_PAGE)) {
      const page: T[] = []
      for (const key of keys.slice(start, end)) {
        const entry = this.#map.get(key)
        const item = entry && toItem(key, entry)
        if (item !== undefined) page.push(item)
      }
      yield page
    }
  }

  /** Selects from the keys as they are now, because the map may change while a listing goes on. */
  #selectKeys({ prefix = '', after, reverse = false }: KeysOptions = {}): readonly string[] {
    this.#data.sweep.runIfDue()
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
    return groups.map((group) => this.#applyGroup(group, now))
  }

  #applyGroup(group: readonly Change[], now: number): CommitResult {
    this.#data.sweep.runIfDue()
    for (const change of group) {
      if (!isConditionMet(change, this.#map.get(change.key), now)) return 'conflict'
    }
    for (const change of group) {
      if ('remove' in change) this.#remove(change.key)
      else if ('entry' in change) this.#set(change.key, change.entry)
    }
    return 'applied'
  }

  #set(key: string, entry: Entry): void {
    const data = this.#data
    if (!data.map.has(key)) data.sortedKeys = undefined
    data.map.set(key, entry)
    if (entry.expires !== undefined) data.sweep.add(entry.expires)
    notify(data, { kind: 'set', key })
  }

  #remove(key: string): void {
    deleteKey(this.#data, key)
    notify(this.#data, { kind: 'remove', key })
  }
}

function deleteKey(data: NamespaceData, key: string): void {
  data.map.delete(key)
  // Amortizes the sorting, and holds at most as many removed keys as others.
  if (data.sortedKeys && data.sortedKeys.length > 2 * data.map.size) data.sortedKeys = undefined
}

function clearAll(data: NamespaceData): void {
  data.map.clear()
  data.sortedKeys = undefined
  notify(data, { kind: 'clear' })
}

function notify({ listeners }: NamespaceData, change: StoreChange): void {
  // Most namespaces have no listener, and an iterator takes time.
  if (listeners.size > 0) for (const listener of listeners) listener(change)
}

/** Copies a stored entry for a reader, who may change the value. */
function copy({ value, version, expires }: Entry): Entry {
  return createEntry(recopy(value), version, expires)
}
