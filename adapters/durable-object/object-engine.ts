import { StoreError } from '../../src/errors.ts'
import { type CommitResult, isLive } from '../../src/storage.ts'
import { fromObjectError } from './errors.ts'
import type { ListOptions, ListPage } from './protocol.ts'
import {
  type ChangeTuple,
  decodeChange,
  decodeEntry,
  encodeChanges,
  type EntryTuple,
  messageBytes,
} from './tuples.ts'

/**
 * The part of a SQLite-backed object's `ctx.storage` that botshelf uses. Declared here, so that
 * users need no Workers types.
 */
export interface PlatformStorage {
  readonly kv: {
    get(key: string): unknown
    put(key: string, value: unknown): void
    delete(key: string): boolean
    list(options: {
      prefix?: string
      start?: string
      startAfter?: string
      end?: string
      limit?: number
    }): Iterable<[name: string, value: unknown]>
  }
  transactionSync<T>(run: () => T): T
  sync(): Promise<void>
}

/** The prefix of every key that botshelf stores in an object. The number is the format. */
export const FORMAT_PREFIX = 'botshelf/1/'
// A range that holds all keys of later formats, and none of this one.
const LATER_FORMATS = { start: 'botshelf/10', end: 'botshelf0', limit: 1 }

/** The longest key, in bytes. The limit is lower than that of every known version of the runtime. */
export const MAX_KEY_BYTES = 2048
/** The largest value with its key, in bytes. The limit is lower than that of every known runtime. */
export const MAX_VALUE_BYTES = 2_000_000

/**
 * Reads and writes one namespace in an object's own storage. Everything is synchronous: the object
 * runs nothing else between a read and the write that depends on it. Other code of the object may
 * write the same keys, so this class caches nothing.
 */
export class ObjectEngine {
  protected readonly storage: PlatformStorage
  protected readonly prefix: string
  #isFormatChecked = false

  constructor(storage: PlatformStorage, prefix: string) {
    this.storage = storage
    this.prefix = prefix
  }

  /** Reads the entries under the first keys, in their order, up to about `maxBytes`; at least one. */
  read(keys: readonly string[], maxBytes: number = Infinity): (EntryTuple | undefined)[] {
    this.#checkFormat()
    const entries: (EntryTuple | undefined)[] = []
    let bytes = 0
    for (const key of keys) {
      const entry = this.get(key)
      if (entry) {
        bytes += messageBytes(key, entry)
        if (bytes > maxBytes && entries.length > 0) break
      }
      entries.push(entry)
    }
    return entries
  }

  /** Applies each group whole or not at all, and returns a result for each. */
  commit(groups: readonly (readonly ChangeTuple[])[]): CommitResult[] {
    this.#checkFormat()
    return groups.map((changes) => this.#apply(changes))
  }

  /** Lists one page of keys or entries, of about `maxBytes`. */
  list({ prefix, after, now, includeEntries }: ListOptions, maxBytes: number): ListPage {
    const keys: string[] = []
    const entries: EntryTuple[] = []
    let bytes = 0
    for (const [name, entry] of this.all(prefix, after)) {
      const key = name.slice(this.prefix.length)
      if (isLive(decodeEntry(entry), now)) {
        keys.push(key)
        if (includeEntries) entries.push(entry)
        bytes += messageBytes(key, includeEntries ? entry : undefined)
      }
      if (bytes >= maxBytes) return { keys, entries, last: key }
    }
    return { keys, entries }
  }

  /** Removes every entry. */
  clear(): void {
    const names = Array.from(this.all(), ([name]) => name)
    for (const name of names) this.storage.kv.delete(name)
  }

  /** Removes the entries that have expired at `now`, and returns how many are left. */
  sweep(now: number): number {
    const expired: string[] = []
    let left = 0
    for (const [name, entry] of this.all()) {
      if (isLive(decodeEntry(entry), now)) left++
      else expired.push(name.slice(this.prefix.length))
    }
    this.remove(expired)
    return left
  }

  protected remove(keys: readonly string[]): void {
    for (const key of keys) {
      const result = this.#apply(encodeChanges([{ key, remove: true }]))
      if (result instanceof Error) throw result
    }
  }

  /** Writes all changes of a group, or throws and writes none. */
  protected write(changes: readonly ChangeTuple[]): void {
    const [only, second] = changes
    if (only !== undefined && second === undefined) this.#writeOne(only)
    else this.storage.transactionSync(() => changes.forEach((change) => this.#writeOne(change)))
  }

  protected get(key: string): EntryTuple | undefined {
    return this.storage.kv.get(this.prefix + key) as EntryTuple | undefined
  }

  /** Lists every stored name with its entry. The platform reads all the values. */
  protected all(prefix = '', after?: string): Iterable<[name: string, entry: EntryTuple]> {
    this.#checkFormat()
    const start = after === undefined ? {} : { startAfter: this.prefix + after }
    const listed = this.storage.kv.list({ prefix: this.prefix + prefix, ...start })
    return listed as Iterable<[name: string, entry: EntryTuple]>
  }

  #apply(changes: readonly ChangeTuple[]): CommitResult {
    for (const change of changes) {
      const { key, ifVersion, entry } = decodeChange(change)
      if (ifVersion === undefined) continue
      const stored = this.get(key)
      const version = stored ? decodeEntry(stored).version : null
      if (version === ifVersion) continue
      // The platform may deliver a message twice; then the change finds its own version.
      return entry && version === decodeEntry(entry).version ? 'applied' : 'conflict'
    }
    try {
      this.write(changes)
    } catch (error) {
      return fromObjectError(error, 'not-applied')
    }
    return 'applied'
  }

  #writeOne(change: ChangeTuple): void {
    const { key, entry } = decodeChange(change)
    const name = this.prefix + key
    if (entry) this.storage.kv.put(name, entry)
    else this.storage.kv.delete(name)
  }

  /** Throws if the storage holds data of a later format. Checked once. */
  #checkFormat(): void {
    if (this.#isFormatChecked) return
    for (const [name] of this.storage.kv.list(LATER_FORMATS)) {
      throw new StoreError(
        'VERSION_MISMATCH',
        `A later version of botshelf wrote the data here, under ${name}. Update botshelf.`,
      )
    }
    this.#isFormatChecked = true
  }
}
