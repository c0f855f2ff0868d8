import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES } from '../backup/chunks.ts'
import { decodeCursor, encodeCursor } from '../backup/cursor.ts'
import { InvalidInputError, toStoredValue, type StoredValue } from '../backup/entry.ts'
import { type EntrySlice, keysAfter, readSlice } from '../backup/slice.ts'
import { decode } from '../codec.ts'
import { quote } from '../errors.ts'
import type { StorageRuntime, Store } from '../index.ts'
import { HttpError } from './http.ts'
import { assertPlainJson, NotPlainError } from './plain-json.ts'

// The first page has a namespace of up to this size as a whole.
const MAX_ENTRIES_OF_WHOLE_NAMESPACE = 1000
const MAX_KEYS_PER_PAGE = 1000

/** How values are sent: `text` is a string that `botshelf/codec` encoded, `json` is plain JSON. */
export type ValueForm = 'text' | 'json'

/** The keys of a namespace that a request asks for. */
export interface KeySelection {
  readonly namespace: string
  /** Only keys with this prefix. */
  readonly prefix?: string | undefined
  /** The `cursor` of the previous page; absent or empty for the first page. */
  readonly cursor?: string | undefined
}

/** The entries of a namespace that a request asks for. */
export interface EntrySelection extends KeySelection {
  /** Only this key. */
  readonly key?: string | undefined
  readonly form: ValueForm
}

/** A page of entries. */
export interface EntriesPage {
  /** The values by key. */
  readonly entries: Readonly<Record<string, unknown>>
  /** The expiries by key, in milliseconds since 1970, of entries that have one. */
  readonly expires: Readonly<Record<string, number>>
  /** The versions of the values by key, of entries that have one; absent if none has. */
  readonly versions?: Readonly<Record<string, number>>
  /** The cursor of the next page; `null` after the last one. */
  readonly cursor: string | null
}

/** A page of keys. */
export interface KeysPage {
  readonly keys: readonly string[]
  /** The cursor of the next page; `null` after the last one. */
  readonly cursor: string | null
}

/**
 * Reads a page of entries, sorted by key, or a single entry. A page has up to 1,000 entries if that
 * is the whole namespace, otherwise 200, and about 1 MiB.
 *
 * @throws HttpError 409 for a value that plain JSON cannot hold
 * @throws InvalidInputError for a cursor of another namespace
 * @throws StoreError of the storage
 */
export async function readEntriesPage(
  runtime: StorageRuntime,
  selection: EntrySelection,
): Promise<EntriesPage> {
  await using store = await runtime.open(selection.namespace)
  const { entries, isLast } = await readSelected(store, selection)
  const lastKey = [...entries.keys()].at(-1)
  const values = [...entries].map(([key, { value }]): [key: string, value: unknown] => [
    key,
    selection.form === 'text' ? value : toPlainJson(key, decode(value)),
  ])
  const versions = fieldByKey(entries, 'version')
  // Unlike an assignment, Object.fromEntries makes `__proto__` an own property.
  return {
    entries: Object.fromEntries(values),
    expires: fieldByKey(entries, 'expires'),
    ...(Object.keys(versions).length > 0 && { versions }),
    cursor: isLast ? null : cursorAfter(selection.namespace, lastKey),
  }
}

/**
 * Reads a page of keys, sorted, at most 1,000.
 *
 * @throws InvalidInputError for a cursor of another namespace
 * @throws StoreError of the storage
 */
export async function readKeysPage(
  runtime: StorageRuntime,
  { namespace, prefix = '', cursor }: KeySelection,
): Promise<KeysPage> {
  const after = decodeKeyCursor(namespace, cursor)
  await using store = await runtime.open(namespace)
  const keys = await keysAfter(store, { prefix, after, limit: MAX_KEYS_PER_PAGE + 1 })
  const page = keys.slice(0, MAX_KEYS_PER_PAGE)
  const isLast = page.length === keys.length
  return { keys: page, cursor: isLast ? null : cursorAfter(namespace, page.at(-1)) }
}

/** Returns a field of the entries that have it, by key. */
function fieldByKey(
  entries: EntrySlice['entries'],
  field: 'expires' | 'version',
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...entries].flatMap(([key, { [field]: value }]): [key: string, value: number][] =>
      value === undefined ? [] : [[key, value]],
    ),
  )
}

async function readSelected(store: Store, selection: EntrySelection): Promise<EntrySlice> {
  const { namespace, key, prefix = '', cursor } = selection
  if (key !== undefined) {
    if (prefix !== '' || cursor) {
      throw new HttpError(400, 'Send the parameter "key" without "prefix" and "cursor".')
    }
    const record = await store.record(key)
    const entries = new Map<string, StoredValue>()
    if (record !== undefined) entries.set(key, toStoredValue(record))
    return { entries, isLast: true }
  }
  return readSlice(store, {
    prefix,
    after: decodeKeyCursor(namespace, cursor),
    maxEntries: MAX_CHUNK_ENTRIES,
    maxEntriesOfWholeStore: MAX_ENTRIES_OF_WHOLE_NAMESPACE,
    maxBytes: MAX_CHUNK_BYTES,
  })
}

/** Returns the key before the position of a cursor of this namespace. */
function decodeKeyCursor(namespace: string, cursor: string | undefined): string | undefined {
  if (!cursor) return undefined
  const name = decodeCursor(cursor)
  if (name.namespace === namespace) return name.key
  throw new InvalidInputError('The cursor belongs to another namespace.')
}

function cursorAfter(namespace: string, key: string | undefined): string | null {
  return key === undefined ? null : encodeCursor({ namespace, key })
}

/** @throws HttpError 409 */
function toPlainJson(key: string, value: unknown): unknown {
  try {
    assertPlainJson(value)
    return value
  } catch (error) {
    if (!(error instanceof NotPlainError)) throw error
    throw new HttpError(
      409,
      `Plain JSON cannot hold the entry ${quote(key)}: ${error.message}. Ask for it without "as=json".`,
    )
  }
}
