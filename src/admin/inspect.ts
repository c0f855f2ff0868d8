import { decode } from '../codec.ts'
import type { StorageRuntime, Store } from '../index.ts'
import { readCursor, writeCursor } from '../backup/cursor.ts'
import { EntryError, type StoredText, storedText } from '../backup/entry.ts'
import { MOST_ENTRIES, PART_BYTES } from '../backup/limits.ts'
import { quoteName } from '../backup/shown.ts'
import { type EntrySlice, keysAfter, readSlice } from '../backup/slice.ts'
import { checkPlain, NotPlainError } from './plain-json.ts'
import { HttpError } from './reply.ts'

// A page is one listing where it is all there is, and reads value by value where it is not.
const MOST_OF_ALL = 1000
const MOST_KEYS = 1000

/** How values travel: as text of `botshelf/codec`, or as plain JSON. */
export type ValueForm = 'text' | 'json'

/** What is asked of a namespace. */
export interface Inspection {
  readonly namespace: string
  /** Only this key. */
  readonly key?: string | undefined
  /** Only keys that begin with it. */
  readonly prefix?: string | undefined
  /** Where the page before ended; absent or empty: at the beginning. */
  readonly cursor?: string | undefined
  /** How values are shown: as text of `botshelf/codec`, or as plain JSON. */
  readonly as: ValueForm
}

/** A page of a namespace. */
export interface EntriesPage {
  /** The values by key. */
  readonly entries: Readonly<Record<string, unknown>>
  /** When those expire that do, in milliseconds since 1970, by key. */
  readonly expires: Readonly<Record<string, number>>
  /** What the next page is asked for by; `null`: there is none. */
  readonly cursor: string | null
}

/**
 * A page of what is in a namespace, sorted by key: 1,000 entries if that is all, else 200, and about
 * 1 MiB; or one entry.
 *
 * @throws HttpError 409 for a value that plain JSON cannot hold; EntryError for a cursor of
 * elsewhere; StoreError what the storage says
 */
export async function readEntries(
  runtime: StorageRuntime,
  asked: Inspection,
): Promise<EntriesPage> {
  await using store = await runtime.open(asked.namespace)
  const { entries, isLast } = await readAsked(store, asked)
  const last = [...entries.keys()].at(-1)
  const values = [...entries].map(([key, { value }]): [string, unknown] => [
    key,
    asked.as === 'text' ? value : plain(key, decode(value)),
  ])
  const expires = [...entries].flatMap(([key, stored]): [string, number][] =>
    stored.expires === undefined ? [] : [[key, stored.expires]],
  )
  // Unlike an assignment this makes `__proto__` a property like any other.
  return {
    entries: Object.fromEntries(values),
    expires: Object.fromEntries(expires),
    cursor: isLast ? null : cursorAfter(asked.namespace, last),
  }
}

/**
 * A page of the keys of a namespace, sorted: at most 1,000.
 *
 * @throws EntryError for a cursor of elsewhere; StoreError what the storage says
 */
export async function readKeys(
  runtime: StorageRuntime,
  { namespace, prefix = '', cursor }: Omit<Inspection, 'as'>,
): Promise<{ keys: readonly string[]; cursor: string | null }> {
  const after = keyOf(namespace, cursor)
  await using store = await runtime.open(namespace)
  const keys = await keysAfter(store, prefix, after)
  const page = keys.slice(0, MOST_KEYS)
  const isLast = page.length === keys.length
  return { keys: page, cursor: isLast ? null : cursorAfter(namespace, page.at(-1)) }
}

async function readAsked(store: Store, asked: Inspection): Promise<EntrySlice> {
  const { namespace, key, prefix = '', cursor } = asked
  if (key !== undefined) {
    if (prefix !== '' || cursor) {
      throw new HttpError(400, 'The parameter "key" stands without "prefix" and "cursor".')
    }
    const record = await store.record(key)
    const found: [string, StoredText][] = record === undefined ? [] : [[key, storedText(record)]]
    return { entries: new Map(found), isLast: true }
  }
  const after = keyOf(namespace, cursor)
  const bounds = { most: MOST_ENTRIES, mostOfAll: MOST_OF_ALL, mostBytes: PART_BYTES }
  return readSlice(store, { prefix, after, ...bounds })
}

/** The key behind which a cursor of this namespace stands. */
function keyOf(namespace: string, cursor: string | undefined): string | undefined {
  if (!cursor) return undefined
  const name = readCursor(cursor)
  if (name.namespace === namespace) return name.key
  throw new EntryError('The cursor belongs to another namespace.')
}

function cursorAfter(namespace: string, key: string | undefined): string | null {
  return key === undefined ? null : writeCursor({ namespace, key })
}

function plain(key: string, value: unknown): unknown {
  try {
    checkPlain(value)
    return value
  } catch (error) {
    if (!(error instanceof NotPlainError)) throw error
    throw new HttpError(
      409,
      `Plain JSON cannot hold the entry ${quoteName(key)}: ${error.message}. Ask for it without "as=json".`,
    )
  }
}
