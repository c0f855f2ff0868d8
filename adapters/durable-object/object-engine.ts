import { isConditionMet, isLive } from '../../src/entry.ts'
import { StoreError } from '../../src/errors.ts'
import type { Change, CommitResult } from '../../src/storage.ts'
import { fromObjectError } from './errors.ts'
import { entryBytes } from './message-size.ts'
import type { ListOptions, ListPage } from './protocol.ts'
import { addToColumns, createColumns, decodeEntry, encodeEntry, type EntryTuple } from './tuples.ts'

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
      reverse?: boolean
    }): Iterable<[name: string, value: unknown]>
  }
  /** Throws without SQLite. */
  readonly sql?: { readonly databaseSize: number }
  transactionSync<T>(run: () => T): T
  sync(): Promise<void>
}

/** The prefix of every key that botshelf stores in an object. The number is the format. */
export const FORMAT_PREFIX = 'botshelf/1/'
// A range that holds all keys of later formats, and none of this one.
const LATER_FORMATS = { start: 'botshelf/10', end: 'botshelf0', limit: 1 }

/** The longest key, in bytes. The limit is lower than that of every known version of the runtime. */
export const MAX_KEY_BYTES = 2048

/**
 * Reads and writes one namespace in an object's own storage. Everything is synchronous: the object
 * runs nothing else between a read and the write that depends on it. Other code of the object may
 * write the same keys, so this class caches nothing.
 */
export class ObjectEngine {
  protected readonly storage: PlatformStorage
  protected readonly kv: PlatformStorage['kv']
  protected readonly prefix: string
  #isFormatChecked = false

  constructor(storage: PlatformStorage, prefix: string) {
    this.storage = storage
    this.kv = storage.kv
    this.prefix = prefix
  }

  /** Reads what is stored under a key, expired or not. */
  get(key: string): EntryTuple | undefined {
    this.checkFormat()
    return this.kv.get(this.prefix + key) as EntryTuple | undefined
  }

  /**
   * Applies a group whole or not at all.
   *
   * @param now entries that have expired by then count as missing; in milliseconds since 1970
   */
  run(changes: readonly Change[], now: number): CommitResult {
    this.checkFormat()
    try {
      for (const change of changes) {
        if (change.ifVersion === undefined) continue
        const entry = this.get(change.key)
        if (!isConditionMet(change, entry && decodeEntry(entry), now)) return 'conflict'
      }
      // A group of one change is one call, which is atomic.
      this.atomically(changes.length > 1, () => {
        for (const change of changes) {
          const name = this.prefix + change.key
          if ('entry' in change) this.kv.put(name, encodeEntry(change))
          else if ('remove' in change) this.kv.delete(name)
        }
      })
      return 'applied'
    } catch (error) {
      return fromObjectError(error, 'not-applied')
    }
  }

  /** Lists one page of keys or entries, of about `maxBytes`. */
  list(options: ListOptions, maxBytes: number): ListPage {
    const { now, includeEntries, limit = Infinity } = options
    const keys: string[] = []
    const entries = createColumns()
    let bytes = 0
    for (const [name, entry] of this.all(options)) {
      const key = name.slice(this.prefix.length)
      if (isLive(decodeEntry(entry), now)) {
        keys.push(key)
        if (includeEntries) addToColumns(entries, entry)
        bytes += entryBytes(key, includeEntries ? entry : undefined)
      }
      if (bytes >= maxBytes || keys.length >= limit) return { keys, entries, last: key }
    }
    return { keys, entries }
  }

  /** Removes every entry whose key begins with `prefix`, or throws and removes none. */
  clearPrefix(prefix: string): void {
    this.remove(Array.from(this.all({ prefix }), ([name]) => name.slice(this.prefix.length)))
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

  /** Removes stored keys, or throws and removes none. */
  protected remove(keys: readonly string[]): void {
    this.atomically(keys.length > 1, () => {
      for (const key of keys) this.kv.delete(this.prefix + key)
    })
  }

  /** @param isTransaction whether `write` makes several calls, of which all or none must write */
  protected atomically(isTransaction: boolean, write: () => void): void {
    if (isTransaction) this.storage.transactionSync(write)
    else write()
  }

  /**
   * Lists the stored names with their entries, by byte of UTF-8. The platform reads the value of
   * each name that the caller takes.
   */
  protected all({ prefix = '', after, reverse = false }: Partial<ListOptions> = {}): Iterable<
    [name: string, entry: EntryTuple]
  > {
    this.checkFormat()
    const listed = this.kv.list({
      prefix: this.prefix + prefix,
      reverse,
      ...(after !== undefined && { [reverse ? 'end' : 'startAfter']: this.prefix + after }),
    })
    return listed as Iterable<[name: string, entry: EntryTuple]>
  }

  /** Throws if the storage holds data of a later format. Checked once. */
  protected checkFormat(): void {
    if (this.#isFormatChecked) return
    for (const [name] of this.kv.list(LATER_FORMATS)) {
      throw new StoreError(
        'VERSION_MISMATCH',
        `A later version of botshelf wrote the data here, under ${name}. Update botshelf.`,
      )
    }
    this.#isFormatChecked = true
  }
}
