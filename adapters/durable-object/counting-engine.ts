import { isLive } from '../../src/entry.ts'
import { StoreError } from '../../src/errors.ts'
import { fromObjectError } from './errors.ts'
import { type GroupResults, planGroup } from './group-plan.ts'
import { entryBytes, MAX_REPLY_BYTES } from './message-size.ts'
import { FORMAT_PREFIX, ObjectEngine } from './object-engine.ts'
import {
  addToColumns,
  createColumns,
  type DecodedChange,
  type EntryColumns,
  type EntryTuple,
} from './tuples.ts'
import {
  findOutcome,
  type NewWrite,
  RETENTION_MS,
  toRemoved,
  withHistory,
  writtenAtOf,
} from './write-history.ts'

/** As long as the prefix of the entries, so that it fits where the entry did. */
const REMOVED_PREFIX = `${FORMAT_PREFIX}-:`
/** By the id of a group: what it removed, if another removal of the key followed within a minute. */
const REMOVED_BY_PREFIX = `${FORMAT_PREFIX}-;`
const REMOVALS = { start: `${FORMAT_PREFIX}-`, end: `${FORMAT_PREFIX}.` }
/** Has the time before which no entry expires, once an alarm has listed them; see `#expiresFrom`. */
const EXPIRING_KEY = `${FORMAT_PREFIX}expiring`
/** Has the time of the last `clear` or `clearPrefix` that removed entries. */
const CLEARED_KEY = `${FORMAT_PREFIX}cleared`

/** Bounds the memory for keys that are known to exist. */
const MAX_KNOWN_KEYS = 10_000

/** The entry to store under a key; `undefined`: the key is removed. */
type Write = readonly [key: string, entry: EntryTuple | undefined]

/** What became of a group. `unknown`: it was sent again, and may have been applied. */
export type GroupOutcome = GroupResults | 'conflict' | 'unknown' | StoreError

/** How a group runs. */
export interface RunOptions {
  /** The id of the group, from `groupIdOf`. */
  readonly id: string
  /** Entries that have expired by then count as missing; in milliseconds since 1970. */
  readonly now: number
  /** When the group was first sent, if it was sent again; by the object's clock, or earlier. */
  readonly sentAt: number | undefined
  /** Whether another client's turn holds one of its keys: unless it was applied, it is a conflict. */
  readonly isHeld: boolean
}

/** Kept in memory, so that counting and expiring need no listing. */
interface Stats {
  count: number
  /** The keys of the entries that expire, with the time in milliseconds since 1970. */
  readonly expiring: Map<string, number>
  /** Keys that are known to exist. To look one up in the storage would read its whole value. */
  readonly knownKeys: Set<string>
}

/**
 * The engine of an object that owns all of its storage. It lists its entries once to count them,
 * and updates the count with each write. It stores the latest writes of a key with its entry, and
 * those of a removed key for a minute or two, to find out what became of a group.
 */
export class CountingEngine extends ObjectEngine {
  /** Absent until the first listing. */
  #stats: Stats | undefined
  #nextSweep = Infinity
  #hasStored = false
  /**
   * No entry expires before; in milliseconds since 1970. `null`: not known, as no alarm has listed the
   * entries; `undefined`: not read yet.
   */
  #expiresFrom: number | null | undefined

  /** Whether an entry was stored since the object started or was emptied. */
  get hasStored(): boolean {
    return this.#hasStored
  }

  /** Counts the entries that are live at `now`. */
  len(now: number): number {
    const { count, expiring } = this.#loadStats()
    let expired = 0
    for (const expires of expiring.values()) if (!isLive({ expires }, now)) expired++
    return count - expired
  }

  /** Reads the entries under the first keys, in their order, up to about 12 MiB; at least one. */
  read(keys: readonly string[]): EntryColumns {
    const entries = createColumns()
    let bytes = 0
    for (const key of keys) {
      const entry = this.get(key)
      if (entry) {
        bytes += entryBytes(key, entry)
        if (bytes > MAX_REPLY_BYTES && entries.versions.length > 0) break
      }
      addToColumns(entries, entry)
    }
    return entries
  }

  /** Applies a group whole or not at all, unless an earlier delivery of it was applied. */
  apply(changes: readonly DecodedChange[], options: RunOptions): GroupOutcome {
    this.checkFormat()
    try {
      const [first] = changes
      const isSimple = changes.length === 1 && options.sentAt === undefined
      if (!isSimple || !first?.entry || first.ifVersion !== undefined)
        return this.#apply(changes, options)
      // The usual group, of one entry to store, reads nothing.
      const write = { writtenAt: Date.now(), results: undefined, previous: undefined }
      const entry = withHistory(first.entry, write)
      if (this.#stats || entry[3] !== undefined)
        this.#writeAll([[first.key, entry]], (key) => this.get(key))
      else {
        this.kv.put(this.prefix + first.key, entry)
        this.#hasStored = true
      }
      return { values: [], bytes: 0 }
    } catch (error) {
      return fromObjectError(error, 'not-applied')
    }
  }

  #apply(changes: readonly DecodedChange[], { id, now, sentAt, isHeld }: RunOptions): GroupOutcome {
    const writtenAt = Date.now()
    const found = new Map<string, EntryTuple | undefined>()
    const read = (name: string): EntryTuple | undefined => {
      if (!found.has(name)) found.set(name, this.kv.get(name) as EntryTuple | undefined)
      return found.get(name)
    }
    const stored = (key: string): EntryTuple | undefined => read(this.prefix + key)
    const removed = (key: string): EntryTuple | undefined => read(REMOVED_PREFIX + key)
    const removedBy = (group: string): EntryTuple | undefined => read(REMOVED_BY_PREFIX + group)
    const clearedAt = (): number => (this.kv.get(CLEARED_KEY) as number | undefined) ?? 0
    const reader = { stored, removed, removedBy, clearedAt }
    const earlier = findOutcome(changes, { id, now: writtenAt, sentAt }, reader)
    if (earlier) return earlier
    if (isHeld) return 'conflict'
    const plan = planGroup(changes, stored, now)
    if (plan === 'conflict' || plan instanceof StoreError) return plan
    const { bytes, values } = plan.results
    if (bytes > MAX_REPLY_BYTES) return resultsTooLarge(bytes)
    let results: NewWrite['results'] = bytes > 0 ? values : undefined
    const toWrite = (key: string): NewWrite => ({
      writtenAt,
      results,
      previous: found.has(this.prefix + key) ? (stored(key) ?? removed(key) ?? null) : undefined,
    })
    const writes = Array.from(plan.writes, ([key, entry]): Write => [
      key,
      entry && withHistory(entry, toWrite(key)),
    ])
    const onRemoved = (key: string): void => {
      const { kv } = this
      const last = removed(key)
      // No other row has the values that it removed.
      if (last && last[2] > 0) kv.put(REMOVED_BY_PREFIX + last[1], last)
      kv.put(REMOVED_PREFIX + key, toRemoved(id, bytes, toWrite(key)))
      // They may be large.
      results &&= null
      this.#nextSweep = Math.min(this.#nextSweep, writtenAt + 2 * RETENTION_MS)
    }
    const hasRemovals = writes.some(([, entry]) => entry === undefined)
    this.#writeAll(writes, stored, hasRemovals ? onRemoved : undefined)
    return plan.results
  }

  /**
   * Forgets the keys that were removed a minute ago, and removes expired entries.
   *
   * @returns when to call it again, in milliseconds since 1970; infinite if nothing is left to do
   */
  sweepAll(now: number): number {
    this.checkFormat()
    const { kv } = this
    let next = Infinity
    const forgotten: string[] = []
    for (const [name, entry] of kv.list(REMOVALS)) {
      const removedAt = writtenAtOf(entry as EntryTuple)
      if (removedAt + RETENTION_MS > now) next = Math.min(next, removedAt + 2 * RETENTION_MS)
      else forgotten.push(name)
    }
    for (const name of forgotten) kv.delete(name)
    let expiry = this.#loadExpiresFrom()
    if (expiry === null || expiry <= now) {
      this.sweep(now)
      expiry = this.#nextExpiry()
      this.#setExpiresFrom(expiry)
    }
    return Math.min(next, expiry)
  }

  /** Also remembers the time, since the removed keys leave no rows. */
  override clearPrefix(prefix: string): void {
    const keys = Array.from(this.all({ prefix }), ([name]) => name.slice(this.prefix.length))
    if (keys.length === 0) return
    this.atomically(true, () => {
      this.kv.put(CLEARED_KEY, Date.now())
      this.remove(keys)
    })
  }

  override sweep(now: number): number {
    const stats = this.#loadStats()
    const expired: string[] = []
    for (const [key, expires] of stats.expiring) if (!isLive({ expires }, now)) expired.push(key)
    this.remove(expired)
    return stats.count
  }

  /** Returns when the next entry expires; infinite if none does. */
  #nextExpiry(): number {
    let next = Infinity
    for (const expires of this.#loadStats().expiring.values()) next = Math.min(next, expires)
    return next
  }

  /**
   * Returns when to sweep for what was written and removed since the last call, in milliseconds since
   * 1970; infinite if it needs no sweep.
   */
  takeNextSweep(): number {
    const next = this.#nextSweep
    this.#nextSweep = Infinity
    return next
  }

  /** Prepares for the deletion of the whole storage. Throws if it holds data of a later format. */
  beforeDeleteAll(): void {
    this.checkFormat()
    this.#stats = undefined
    this.#hasStored = false
    this.#expiresFrom = undefined
  }

  protected override remove(keys: readonly string[]): void {
    const writes = keys.map((key): Write => [key, undefined])
    this.#writeAll(writes, () => true)
  }

  /**
   * Writes all entries of a group, or throws and writes none.
   *
   * @param isStored tells whether a key is stored before the write
   * @param onRemoved is called within the write, with each key that is removed and was stored
   */
  #writeAll(
    writes: readonly Write[],
    isStored: (key: string) => unknown,
    onRemoved?: (key: string) => void,
  ): void {
    const { kv } = this
    const stats = this.#stats
    const replaced = stats
      ? writes.filter(([key]) => stats.knownKeys.has(key) || isStored(key))
      : []
    for (const [, entry] of writes) if (entry?.[3] !== undefined) this.#addExpiry(entry[3])
    this.atomically(writes.length > 1 || onRemoved !== undefined, () => {
      for (const [key, entry] of writes) {
        if (entry) kv.put(this.prefix + key, entry)
        else if (kv.delete(this.prefix + key)) onRemoved?.(key)
      }
    })
    if (stats) for (const [key] of replaced) removeFromStats(stats, key)
    for (const [key, entry] of writes) {
      if (entry === undefined) continue
      this.#hasStored = true
      if (stats) addToStats(stats, key, entry)
    }
  }

  #addExpiry(expires: number): void {
    this.#nextSweep = Math.min(this.#nextSweep, expires)
    const expiresFrom = this.#loadExpiresFrom()
    if (expiresFrom !== null && expires < expiresFrom) this.#setExpiresFrom(expires)
  }

  #loadExpiresFrom(): number | null {
    if (this.#expiresFrom === undefined) {
      const stored = this.kv.get(EXPIRING_KEY)
      this.#expiresFrom = typeof stored === 'number' ? stored : null
    }
    return this.#expiresFrom
  }

  #setExpiresFrom(time: number): void {
    this.kv.put(EXPIRING_KEY, time)
    this.#expiresFrom = time
  }

  #loadStats(): Stats {
    if (this.#stats === undefined) {
      const stats = emptyStats()
      for (const [name, entry] of this.all()) {
        addToStats(stats, name.slice(this.prefix.length), entry)
      }
      this.#stats = stats
    }
    return this.#stats
  }
}

function emptyStats(): Stats {
  return { count: 0, expiring: new Map(), knownKeys: new Set() }
}

function addToStats(stats: Stats, key: string, entry: EntryTuple): void {
  const { expiring, knownKeys } = stats
  const [, , , expires] = entry
  stats.count++
  if (knownKeys.size === MAX_KNOWN_KEYS) knownKeys.clear()
  knownKeys.add(key)
  if (expires !== undefined) expiring.set(key, expires)
}

function removeFromStats(stats: Stats, key: string): void {
  stats.count--
  stats.expiring.delete(key)
  stats.knownKeys.delete(key)
}

function resultsTooLarge(bytes: number): StoreError {
  return new StoreError(
    'TOO_LARGE',
    `The results take ${bytes} bytes together; one reply of an object carries at most ${MAX_REPLY_BYTES}. Use fewer keys at once.`,
    { outcome: 'not-applied' },
  )
}
