import { isStoreError, type Store } from '../index.ts'
import { byCodeUnit } from './by-code-unit.ts'
import { jsonBytes } from './parts.ts'
import { type StoredText, storedText } from './entry.ts'

// Values that are read at once are held at once; a small one is no burden.
const MOST_AT_ONCE = 32
const SMALL_BYTES = 32 * 1024

const UNREADABLE: ReadonlySet<string> = new Set(['CORRUPT', 'VERSION_MISMATCH'])

export interface SliceOptions {
  /** Only keys that begin with it. */
  readonly prefix?: string
  /** Only keys that come after it, by code unit; absent: from the first one on. */
  readonly after?: string | undefined
  /** At most so many entries. */
  readonly most: number
  /** At most so many bytes as JSON. */
  readonly mostBytes: number
  /** May a first entry not take more, instead of a single one that does? */
  readonly strict?: boolean
  /** The whole of the store may have so many entries instead, since it is one listing. Default `most`. */
  readonly mostOfAll?: number
}

/** Neighbours among the entries of a store, sorted by key. */
export interface EntrySlice {
  readonly entries: ReadonlyMap<string, StoredText>
  /** Does none come after them? */
  readonly isLast: boolean
}

/**
 * The entries of a store from a key on, sorted by code unit: as many as fit. Backends list in orders
 * of their own, so a slice that is not the whole store lists all its keys and reads values by key.
 *
 * @throws StoreError what the storage says
 */
export async function readSlice(store: Store, options: SliceOptions): Promise<EntrySlice> {
  const { prefix = '', after } = options
  const all = after === undefined ? await readWhole(store, options) : undefined
  if (all !== undefined) return { entries: all, isLast: true }
  const keys = await keysAfter(store, prefix, after)
  return readKeys(store, keys, options)
}

/**
 * The keys of a store that come after one, sorted by code unit.
 *
 * @throws StoreError what the storage says
 */
export async function keysAfter(
  store: Store,
  prefix: string,
  after: string | undefined,
): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const key of store.keys({ prefix })) {
    if (after === undefined || key > after) keys.push(key)
  }
  return keys.toSorted(byCodeUnit)
}

/** Every entry, in one listing; `undefined` if they are too many, or one of them cannot be read. */
async function readWhole(
  store: Store,
  { prefix = '', most, mostBytes, mostOfAll = most }: SliceOptions,
): Promise<ReadonlyMap<string, StoredText> | undefined> {
  const entries: [string, StoredText][] = []
  let bytes = 0
  try {
    for await (const [key, record] of store.records({ prefix })) {
      const text = storedText(record)
      bytes += sizeOf(key, text)
      if (entries.push([key, text]) > mostOfAll || bytes > mostBytes) return undefined
    }
  } catch (error) {
    // A listing does not tell which it is; reading it by its key does.
    if (isStoreError(error) && UNREADABLE.has(error.code)) return undefined
    throw error
  }
  return new Map(entries.toSorted(([a], [b]) => byCodeUnit(a, b)))
}

async function readKeys(
  store: Store,
  keys: readonly string[],
  { most, mostBytes, strict = false }: SliceOptions,
): Promise<EntrySlice> {
  const entries = new Map<string, StoredText>()
  let bytes = 0
  let atOnce = 1
  for (let at = 0; at < keys.length;) {
    const asked = keys.slice(at, at + Math.min(atOnce, most - entries.size))
    if (asked.length === 0) return { entries, isLast: false }
    const found = await Promise.all(asked.map((key) => store.record(key)))
    for (const [index, key] of asked.entries()) {
      const record = found[index]
      at++
      // It has gone since the keys were listed.
      if (record === undefined) continue
      const text = storedText(record)
      bytes += sizeOf(key, text)
      if (bytes > mostBytes && (strict || entries.size > 0)) return { entries, isLast: false }
      entries.set(key, text)
    }
    atOnce = bytes > entries.size * SMALL_BYTES ? 1 : Math.min(2 * atOnce, MOST_AT_ONCE)
  }
  return { entries, isLast: true }
}

function sizeOf(key: string, { value }: StoredText): number {
  return jsonBytes(key) + jsonBytes(value)
}
