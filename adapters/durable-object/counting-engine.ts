import { isLive } from '../../src/entry.ts'
import { ObjectEngine } from './object-engine.ts'
import { decodeEntry, type EntryTuple } from './tuples.ts'

/** Bounds the memory for keys that are known to exist. */
const MAX_KNOWN_KEYS = 10_000

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
 * and updates the count with each write.
 */
export class CountingEngine extends ObjectEngine {
  /** Absent until the first listing. */
  #stats: Stats | undefined
  #nextWrittenExpiry = Infinity
  #hasStored = false

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

  override clear(): void {
    // If a delete fails, the next call counts again.
    this.#stats = undefined
    super.clear()
    this.#stats = emptyStats()
  }

  override sweep(now: number): number {
    const stats = this.#loadStats()
    const expired: string[] = []
    for (const [key, expires] of stats.expiring) if (!isLive({ expires }, now)) expired.push(key)
    this.remove(expired)
    return stats.count
  }

  /** Returns when the next entry expires, in milliseconds since 1970; infinite if none does. */
  nextExpiry(): number {
    let next = Infinity
    for (const expires of this.#loadStats().expiring.values()) next = Math.min(next, expires)
    return next
  }

  /**
   * Returns when the first of the entries that were written since the last call expires, in
   * milliseconds since 1970; infinite if none does.
   */
  takeNextWrittenExpiry(): number {
    const next = this.#nextWrittenExpiry
    this.#nextWrittenExpiry = Infinity
    return next
  }

  /** Prepares for the deletion of the whole storage. Throws if it holds data of a later format. */
  beforeDeleteAll(): void {
    this.checkFormat()
    this.#stats = undefined
    this.#hasStored = false
  }

  protected override write(
    writes: ReadonlyMap<string, EntryTuple | undefined>,
    isStored: (key: string) => boolean,
  ): void {
    const stats = this.#stats
    const replaced: string[] = []
    for (const key of stats ? writes.keys() : []) {
      if (stats?.knownKeys.has(key) || isStored(key)) replaced.push(key)
    }
    super.write(writes, isStored)
    if (stats) for (const key of replaced) removeFromStats(stats, key)
    for (const [key, entry] of writes) {
      if (entry === undefined) continue
      this.#hasStored = true
      if (stats) addToStats(stats, key, entry)
      this.#nextWrittenExpiry = Math.min(this.#nextWrittenExpiry, entry[3] ?? Infinity)
    }
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
  const { expires } = decodeEntry(entry)
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
