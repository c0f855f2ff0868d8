import { isStoreError, type Store } from '../index.ts'
import { jsonBytes } from './chunks.ts'
import { byCodeUnit, encodeRecord, type StoredText } from './entry.ts'

// Values that are read at once are in memory at once; small ones may be many.
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
  /** The most bytes of the slice as JSON. */
  readonly maxBytes: number
  /** Whether the slice is empty if its first entry exceeds `maxBytes`. Default: it has that entry. */
  readonly isStrict?: boolean
  /** The most entries if the slice is all there is, which one listing reads. Default `maxEntries`. */
  readonly maxEntriesOfAll?: number
}

/** Consecutive entries of a store, sorted by key. */
export interface EntrySlice {
  readonly entries: ReadonlyMap<string, StoredText>
  /** Whether no entry comes after it. */
  readonly isLast: boolean
}

/**
 * Reads entries of a store in the order of code units, as many as fit. Backends list in orders of
 * their own: unless the slice is the whole store, it lists all keys and reads values by key.
 *
 * @throws StoreError of the storage
 */
export async function readSlice(store: Store, options: SliceOptions): Promise<EntrySlice> {
  const { prefix = '', after } = options
  const all = after === undefined ? await readWholeStore(store, options) : undefined
  if (all !== undefined) return { entries: all, isLast: true }
  return readKeys(store, await keysAfter(store, { prefix, after }), options)
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
  { prefix = '', maxEntries, maxBytes, maxEntriesOfAll = maxEntries }: SliceOptions,
): Promise<ReadonlyMap<string, StoredText> | undefined> {
  const entries: [key: string, stored: StoredText][] = []
  let bytes = 0
  try {
    for await (const [key, record] of store.records({ prefix })) {
      const stored = encodeRecord(record)
      bytes += entryBytes(key, stored)
      if (entries.push([key, stored]) > maxEntriesOfAll || bytes > maxBytes) return undefined
    }
  } catch (error) {
    // The error of a listing lacks the key; reading by key reports it.
    if (isStoreError(error) && UNREADABLE.has(error.code)) return undefined
    throw error
  }
  return new Map(entries.toSorted(([a], [b]) => byCodeUnit(a, b)))
}

async function readKeys(
  store: Store,
  keys: readonly string[],
  { maxEntries, maxBytes, isStrict = false }: SliceOptions,
): Promise<EntrySlice> {
  const entries = new Map<string, StoredText>()
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
      const stored = encodeRecord(record)
      bytes += entryBytes(key, stored)
      if (bytes > maxBytes && (isStrict || entries.size > 0)) return { entries, isLast: false }
      entries.set(key, stored)
    }
    reads = bytes > entries.size * SMALL_VALUE_BYTES ? 1 : Math.min(2 * reads, MAX_CONCURRENT_READS)
  }
  return { entries, isLast: true }
}

function entryBytes(key: string, { value }: StoredText): number {
  return jsonBytes(key) + jsonBytes(value)
}
