import { isStoreError, type Store } from '../index.ts'
import { jsonBytes } from './chunks.ts'
import { toStoredValue, type StoredValue } from './entry.ts'
import { byCodeUnit } from '../key.ts'

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
 * Reads entries of a store in the order of code units, as many as fit. Backends list in different
 * orders, so unless the slice is the whole store, it lists all keys and reads values by key.
 *
 * Each slice lists the keys again: reading n entries in slices of 200 lists about n²/200 keys.
 *
 * @throws StoreError of the storage
 */
export async function readSlice(store: Store, options: SliceOptions): Promise<EntrySlice> {
  const { prefix = '', after } = options
  const all = after === undefined ? await readWholeStore(store, options) : undefined
  if (all !== undefined) return { entries: all, isLast: true }
  return readEntriesByKey(store, await keysAfter(store, { prefix, after }), options)
}

/**
 * Lists the keys after `after`, sorted by code unit.
 *
 * @throws StoreError of the storage
 */
export async function keysAfter(
  store: Store,
  { prefix, after }: { readonly prefix: string; readonly after: string | undefined },
): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const key of store.keys({ prefix })) {
    if (after === undefined || key > after) keys.push(key)
  }
  return keys.toSorted(byCodeUnit)
}

/** Reads all entries in one listing; `undefined` if they do not fit or one cannot be read. */
async function readWholeStore(
  store: Store,
  { prefix = '', maxEntries, maxBytes, maxEntriesOfWholeStore = maxEntries }: SliceOptions,
): Promise<ReadonlyMap<string, StoredValue> | undefined> {
  const entries: [key: string, stored: StoredValue][] = []
  let bytes = 0
  try {
    for await (const [key, record] of store.records({ prefix })) {
      const stored = toStoredValue(record)
      bytes += entryBytes(key, stored)
      if (entries.push([key, stored]) > maxEntriesOfWholeStore || bytes > maxBytes) return undefined
    }
  } catch (error) {
    // The error of a listing lacks the key; reading by key reports it.
    if (isStoreError(error) && UNREADABLE.has(error.code)) return undefined
    throw error
  }
  return new Map(entries.toSorted(([a], [b]) => byCodeUnit(a, b)))
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
