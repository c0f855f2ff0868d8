import { StoreError } from '../../src/errors.ts'
import { isLive, type Outcome } from '../../src/storage.ts'
import {
  type ChangeRecord,
  type EntryRecord,
  type Group,
  type Page,
  type Records,
  translate,
} from './protocol.ts'

/** The part of a SQLite-backed object's `ctx.storage` that is used; ours, so that no Workers types are needed. */
export interface ObjectStorage {
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
    }): Iterable<[string, unknown]>
  }
  transactionSync<T>(run: () => T): T
  sync(): Promise<void>
}

/** What every key begins with; the number is the format's. */
export const ROOT = 'botshelf/1/'
// All keys of later formats sort between these two, and none of this one does.
const LATER = { start: 'botshelf/10', end: 'botshelf0', limit: 1 }

/** An object's limits, in bytes: ours, and below those that any version of the runtime has. */
export const MAX_KEY_BYTES = 2048
export const MAX_VALUE_BYTES = 2_000_000

export interface PageOptions {
  readonly prefix: string
  readonly after?: string | undefined
  readonly now: number
  readonly values: boolean
}

/**
 * One namespace in an object's own storage. Everything is synchronous: the object does nothing
 * else between a read and the write that depends on it. Other code may write and delete beside it,
 * so nothing is remembered of what is stored.
 */
export class ObjectEngine {
  protected readonly storage: ObjectStorage
  protected readonly base: string
  #checked = false

  constructor(storage: ObjectStorage, base: string) {
    this.storage = storage
    this.base = base
  }

  /** What is under the first keys, in their order: as many as take about `maxBytes`. */
  read(keys: readonly string[], maxBytes: number = Number.POSITIVE_INFINITY): Records {
    this.#check()
    const records: (EntryRecord | undefined)[] = []
    let bytes = 0
    for (const key of keys) {
      const record = this.get(key)
      if (record !== undefined) {
        bytes += weight(key, record)
        if (bytes > maxBytes && records.length > 0) break
      }
      records.push(record)
    }
    return records
  }

  commit(groups: readonly Group[]): Outcome[] {
    this.#check()
    return groups.map((changes) => this.#apply(changes))
  }

  /** A page of a listing, which ends after about `maxBytes`. */
  page({ prefix, after, now, values }: PageOptions, maxBytes: number): Page {
    const keys: string[] = []
    const records: EntryRecord[] = []
    let bytes = 0
    for (const [name, record] of this.all(prefix, after)) {
      const key = name.slice(this.base.length)
      if (isLive({ expires: record[3] }, now)) {
        keys.push(key)
        if (values) records.push(record)
        bytes += weight(key, values ? record : undefined)
      }
      if (bytes >= maxBytes) return { keys, records, last: key }
    }
    return { keys, records }
  }

  clear(): void {
    const names = Array.from(this.all(), ([name]) => name)
    for (const name of names) this.storage.kv.delete(name)
  }

  /** Removes what has expired at `now`, and tells how many entries are left. */
  sweep(now: number): number {
    const gone: string[] = []
    let left = 0
    for (const [name, record] of this.all()) {
      if (isLive({ expires: record[3] }, now)) left++
      else gone.push(name.slice(this.base.length))
    }
    this.remove(gone)
    return left
  }

  protected remove(keys: readonly string[]): void {
    for (const key of keys) {
      const outcome = this.#apply([[key, undefined]])
      if (outcome instanceof Error) throw outcome
    }
  }

  /** Writes a group whole, or throws and writes nothing. */
  protected write(changes: Group): void {
    const [only, second] = changes
    if (only !== undefined && second === undefined) this.#write(only)
    else this.storage.transactionSync(() => changes.forEach((change) => this.#write(change)))
  }

  protected get(key: string): EntryRecord | undefined {
    return this.storage.kv.get(this.base + key) as EntryRecord | undefined
  }

  /** Every name with what is under it, values included. */
  protected all(prefix = '', after?: string): Iterable<[string, EntryRecord]> {
    this.#check()
    const from = after === undefined ? {} : { startAfter: this.base + after }
    const listed = this.storage.kv.list({ prefix: this.base + prefix, ...from })
    return listed as Iterable<[string, EntryRecord]>
  }

  #apply(changes: Group): Outcome {
    for (const [key, ifVersion, , version] of changes) {
      if (ifVersion === undefined) continue
      const there = this.get(key)?.[1] ?? null
      if (there === ifVersion) continue
      // A message may be delivered twice. The second time its own write is what it finds.
      return there !== null && there === version ? 'applied' : 'conflict'
    }
    try {
      this.write(changes)
    } catch (error) {
      return translate(error, 'not-applied')
    }
    return 'applied'
  }

  #write(change: ChangeRecord): void {
    const [key, , ...record] = change
    if (record.length === 0) this.storage.kv.delete(this.base + key)
    else this.storage.kv.put(this.base + key, record)
  }

  // What a later version wrote is not touched. Looked for once.
  #check(): void {
    if (this.#checked) return
    for (const [name] of this.storage.kv.list(LATER)) {
      throw new StoreError(
        'VERSION_MISMATCH',
        `A later version of botshelf keeps data here, under ${name}; this one leaves it alone.`,
      )
    }
    this.#checked = true
  }
}

/** What an entry adds to a message, with its key, version and framing; without one, its key. */
function weight(key: string, record: EntryRecord | undefined): number {
  return 128 + 2 * key.length + (record?.[2] ?? 0)
}
