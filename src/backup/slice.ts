import { isStoreError, type KeysOptions, type Store } from '../index.ts'
import { jsonBytes } from './chunks.ts'
import { toStoredValue, type StoredValue } from './entry.ts'
import { byCodeUnit } from '../key.ts'
import { utf8Bytes } from '../value/copy-value.ts'

// All values that are read concurrently are in memory, so large values are read one at a time.
const MAX_CONCURRENT_READS = 32
const SMALL_VALUE_BYTES = 32 * 1024

const UNREADABLE: ReadonlySet<string> = new Set(['CORRUPT', 'VERSION_MISMATCH'])

/** Options of {@link readSlice}. */
export interface SliceOptions {
  /** Only keys with this prefix. */
  readonly prefix?: string
  /** Only keys after this one, by code unit. */
  readonly after?: string | undefined
  /** The most entries in the slice. */
  readonly maxEntries: number
  /** The most bytes of the keys and values as JSON strings. Expiries are not counted. */
  readonly maxBytes: number
  /** Whether the slice may be a single entry that exceeds `maxBytes`. Default `true`. */
  readonly allowOversizedEntry?: boolean
  /** The most entries if one listing can read the whole store. Default `maxEntries`. */
  readonly maxEntriesOfWholeStore?: number
}

/** Consecutive entries of a store, sorted by key. */
export interface EntrySlice {
  readonly entries: ReadonlyMap<string, StoredValue>
  /** Whether the store has no entry after the slice. */
  readonly isLast: boolean
}

/**
 * Reads entries of a store in the order of code units, as many as fit. One listing reads them unless
 * the backend's order may differ; then it lists all keys, sorts them and reads values by key.
 *
 * @throws StoreError of the storage
 */
export async function readSlice(store: Store, options: SliceOptions): Promise<EntrySlice> {
  const listed = await readListed(store, options)
  return listed ?? readEntriesByKey(store, await keysAfter(store, options), options)
}

/**
 * Lists keys after `after`, sorted by code unit: all of them, or at least `limit`.
 *
 * @throws StoreError of the storage
 */
export async function keysAfter(
  store: Store,
  { prefix, after, limit }: Pick<KeysOptions, 'prefix' | 'after' | 'limit'>,
): Promise<readonly string[]> {
  const keys: string[] = []
  if (limit !== undefined && (after === undefined || isBound(store, after))) {
    for await (const key of store.keys({ prefix, after, limit })) keys.push(key)
    if (keys.length < limit || keys.every(hasSamePlace)) return keys.toSorted(byCodeUnit)
    keys.length = 0
  }
  for await (const key of store.keys({ prefix })) {
    if (after === undefined || key > after) keys.push(key)
  }
  return keys.toSorted(byCodeUnit)
}

/**
 * Returns whether a listing that ends or begins at a key lists the same keys in every backend. Some
 * order keys by UTF-16 code unit, others by byte of UTF-8: that differs for two keys of which one has
 * a surrogate where the other has a character from U+E000 to U+FFFF. `after` of a listing must also
 * be short enough for the backend, and a cursor may come from another one.
 */
export function isBound(store: Store, key: string): boolean {
  return hasSamePlace(key) && utf8Bytes(key) <= store.traits.maxKeyBytes
}

function hasSamePlace(key: string): boolean {
  return !/[\ud800-\uffff]/.test(key)
}

/** Reads a slice in one listing; `undefined` if its order may be another or a value cannot be read. */
async function readListed(
  store: Store,
  { prefix, after, maxEntries, maxEntriesOfWholeStore = maxEntries, ...bounds }: SliceOptions,
): Promise<EntrySlice | undefined> {
  const { maxBytes, allowOversizedEntry = true } = bounds
  if (after !== undefined && !isBound(store, after)) return undefined
  const mostEntries = after === undefined ? maxEntriesOfWholeStore : maxEntries
  const entries: [key: string, stored: StoredValue][] = []
  let bytes = 0
  try {
    for await (const [key, record] of store.records({ prefix, after, limit: mostEntries + 1 })) {
      const stored = toStoredValue(record)
      bytes += entryBytes(key, stored)
      const isAllowed = bytes <= maxBytes || (allowOversizedEntry && entries.length === 0)
      if (!isAllowed || entries.length === mostEntries) {
        const first = entries.slice(0, maxEntries)
        const isInOrder = first.every(([listed]) => hasSamePlace(listed))
        return isInOrder ? { entries: new Map(first), isLast: false } : undefined
      }
      entries.push([key, stored])
    }
  } catch (error) {
    // The error of a listing lacks the key; reading by key reports it.
    if (isStoreError(error) && UNREADABLE.has(error.code)) return undefined
    throw error
  }
  return { entries: new Map(entries.toSorted(([a], [b]) => byCodeUnit(a, b))), isLast: true }
}

async function readEntriesByKey(
  store: Store,
  keys: readonly string[],
  { maxEntries, maxBytes, allowOversizedEntry = true }: SliceOptions,
): Promise<EntrySlice> {
  const entries = new Map<string, StoredValue>()
  let bytes = 0
  let reads = 1
  for (let at = 0; at < keys.length;) {
    const asked = keys.slice(at, at + Math.min(reads, maxEntries - entries.size))
    if (asked.length === 0) return { entries, isLast: false }
    const found = await Promise.all(asked.map((key) => store.record(key)))
    for (const [index, key] of asked.entries()) {
      const record = found[index]
      at++
      // The key was removed after the listing.
      if (record === undefined) continue
      const stored = toStoredValue(record)
      bytes += entryBytes(key, stored)
      const isAllowed = bytes <= maxBytes || (allowOversizedEntry && entries.size === 0)
      if (!isAllowed) return { entries, isLast: false }
      entries.set(key, stored)
    }
    reads = bytes > entries.size * SMALL_VALUE_BYTES ? 1 : Math.min(2 * reads, MAX_CONCURRENT_READS)
  }
  return { entries, isLast: true }
}

function entryBytes(key: string, { value }: StoredValue): number {
  return jsonBytes(key) + jsonBytes(value)
}
