import { StoreError } from '../../src/errors.js'
import { type Change, type Entry, isLive, type Outcome } from '../../src/storage.js'
import { translate } from './protocol.js'

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

// An entry as it is kept: value, version, expiry, and the size that the writer measured.
interface StoredEntry {
  readonly v: unknown
  readonly n: string
  readonly x?: number
  readonly b: number
}

// How many entries there are and when some of them expire, kept so that no listing is needed.
interface Index {
  readonly count: number
  readonly expiring: Map<string, number>
}

/** A page of a listing: it ends after about `maxBytes`, and then tells its last key. */
export interface Page {
  readonly entries: readonly (readonly [string, Entry])[]
  readonly last?: string
}

export interface PageOptions {
  readonly prefix: string
  readonly after: string | undefined
  readonly now: number
  readonly values: boolean
  readonly maxBytes: number
}

/**
 * One namespace in an object's own storage. Everything is synchronous: the object does nothing
 * else between a read and the write that depends on it.
 *
 * As the `owner` of all that is in the storage it counts its entries once and then keeps count.
 * Beside other code it counts anew each time, since that code may write or delete anything.
 */
export class ObjectEngine {
  readonly #storage: ObjectStorage
  readonly #base: string
  readonly #owner: boolean
  #index: Index | undefined
  #checked = false

  constructor(storage: ObjectStorage, base: string, owner: boolean) {
    this.#storage = storage
    this.#base = base
    this.#owner = owner
  }

  /** The entries under the first keys, as many as take about `maxBytes`, and how many keys that answers. */
  read(
    keys: readonly string[],
    maxBytes: number = Number.POSITIVE_INFINITY,
  ): { found: [string, Entry][]; done: number } {
    const found: [string, Entry][] = []
    let bytes = 0
    let done = 0
    for (const key of keys) {
      const stored = this.#get(key)
      if (stored !== undefined) {
        bytes += weight(key, stored.b)
        if (bytes > maxBytes && found.length > 0) break
        found.push([key, toEntry(stored)])
      }
      done++
    }
    return { found, done }
  }

  commit(groups: readonly (readonly Change[])[]): Outcome[] {
    this.#check()
    return groups.map((changes) => this.#apply(changes))
  }

  page({ prefix, after, now, values, maxBytes }: PageOptions): Page {
    this.#check()
    const entries: [string, Entry][] = []
    let bytes = 0
    const from = after === undefined ? {} : { startAfter: this.#base + after }
    for (const [name, record] of this.#storage.kv.list({ prefix: this.#base + prefix, ...from })) {
      const stored = record as StoredEntry
      const key = name.slice(this.#base.length)
      if (isLive(toEntry(stored), now)) {
        entries.push([key, values ? toEntry(stored) : { value: null, version: stored.n }])
        bytes += weight(key, values ? stored.b : 0)
      }
      if (bytes >= maxBytes) return { entries, last: key }
    }
    return { entries }
  }

  /** How many entries are alive at `now`. */
  len(now: number): number {
    const { count, expiring } = this.#indexed()
    let expired = 0
    for (const expires of expiring.values()) if (!isLive({ expires }, now)) expired++
    return count - expired
  }

  clear(): void {
    this.#check()
    // Should a delete fail, the rest is counted anew.
    this.#index = undefined
    for (const name of this.#names()) this.#storage.kv.delete(name)
    if (this.#owner) this.#index = { count: 0, expiring: new Map() }
  }

  /** Removes what has expired at `now`. Tells how many entries are left, and when the next one expires. */
  sweep(now: number): { readonly left: number; readonly next: number } {
    const { count, expiring } = this.#indexed()
    const gone: Change[] = []
    let next = Number.POSITIVE_INFINITY
    for (const [key, expires] of expiring) {
      if (isLive({ expires }, now)) next = Math.min(next, expires)
      else gone.push({ key, remove: true })
    }
    for (const change of gone) {
      const outcome = this.#apply([change])
      if (outcome instanceof Error) throw outcome
    }
    return { left: count - gone.length, next }
  }

  #apply(changes: readonly Change[]): Outcome {
    for (const change of changes) {
      const there = change.ifVersion === undefined ? undefined : (this.#get(change.key)?.n ?? null)
      if (there === change.ifVersion) continue
      // A message may be delivered twice. The second time its own write is what it finds.
      return 'entry' in change && there === change.entry.version ? 'applied' : 'conflict'
    }
    const before = this.#index === undefined ? undefined : this.#present(changes)
    try {
      const [only, second] = changes
      if (only !== undefined && second === undefined) this.#write(only)
      else this.#storage.transactionSync(() => changes.forEach((change) => this.#write(change)))
    } catch (error) {
      return translate(error, 'not-applied')
    }
    if (before !== undefined) this.#count(changes, before)
    return 'applied'
  }

  #write(change: Change): void {
    const name = this.#base + change.key
    if (!('entry' in change)) {
      this.#storage.kv.delete(name)
      return
    }
    const { value, version, expires } = change.entry
    const stored: StoredEntry = { v: value, n: version, b: change.bytes }
    this.#storage.kv.put(name, expires === undefined ? stored : { ...stored, x: expires })
  }

  /** Those keys of the changes that have an entry. */
  #present(changes: readonly Change[]): Set<string> {
    const keys = changes.map(({ key }) => key)
    return new Set(keys.filter((key) => this.#storage.kv.get(this.#base + key) !== undefined))
  }

  /** Brings the index up to changes that were written; the last one on a key tells. */
  #count(changes: readonly Change[], before: ReadonlySet<string>): void {
    const { expiring } = this.#index ?? this.#indexed()
    let { count } = this.#index ?? this.#indexed()
    for (const [key, change] of new Map(changes.map((each) => [each.key, each]))) {
      const expires = 'entry' in change ? change.entry.expires : undefined
      count += Number('entry' in change) - Number(before.has(key))
      if (expires === undefined) expiring.delete(key)
      else expiring.set(key, expires)
    }
    this.#index = { count, expiring }
  }

  #get(key: string): StoredEntry | undefined {
    this.#check()
    return this.#storage.kv.get(this.#base + key) as StoredEntry | undefined
  }

  #names(): string[] {
    return [...this.#storage.kv.list({ prefix: this.#base })].map(([name]) => name)
  }

  #indexed(): Index {
    if (this.#index !== undefined) return this.#index
    this.#check()
    const expiring = new Map<string, number>()
    let count = 0
    for (const [name, record] of this.#storage.kv.list({ prefix: this.#base })) {
      count++
      const { x: expires } = record as StoredEntry
      if (expires !== undefined) expiring.set(name.slice(this.#base.length), expires)
    }
    const index: Index = { count, expiring }
    if (this.#owner) this.#index = index
    return index
  }

  // What a later version wrote is not touched. Looked for once.
  #check(): void {
    if (this.#checked) return
    for (const [name] of this.#storage.kv.list(LATER)) {
      throw new StoreError(
        'VERSION_MISMATCH',
        `A later version of botshelf keeps data here, under ${name}; this one leaves it alone.`,
      )
    }
    this.#checked = true
  }
}

/** What an entry adds to a message, with the names, versions and framing around it. */
function weight(key: string, bytes: number): number {
  return 128 + 2 * key.length + bytes
}

function toEntry({ v: value, n: version, x: expires }: StoredEntry): Entry {
  return expires === undefined ? { value, version } : { value, version, expires }
}
