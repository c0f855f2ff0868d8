// The form in which an object stores entries, and in which messages carry them.
import { type Change, createEntry, type Entry } from '../../src/storage.ts'

/**
 * An entry as it is stored. `bytes` is the size of key and value as the writer measured it,
 * `expires` is in milliseconds since 1970. A tuple, because a structured clone writes the
 * property names of every object.
 */
export type EntryTuple = readonly [value: unknown, version: string, bytes: number, expires?: number]

/** A {@link Change}. Without the elements of an entry it removes the key. */
export type ChangeTuple =
  | readonly [key: string, ifVersion: string | null | undefined]
  | readonly [key: string, ifVersion: string | null | undefined, ...entry: EntryTuple]

/** Encodes changes as tuples. */
export function encodeChanges(changes: readonly Change[]): ChangeTuple[] {
  return changes.map((change) => {
    const { key, ifVersion } = change
    if (!('entry' in change)) return [key, ifVersion]
    const { value, version, expires } = change.entry
    return expires === undefined
      ? [key, ifVersion, value, version, change.bytes]
      : [key, ifVersion, value, version, change.bytes, expires]
  })
}

/** The parts of a {@link ChangeTuple}. */
interface DecodedChange {
  readonly key: string
  readonly ifVersion: string | null | undefined
  /** Absent if the change removes the key. */
  readonly entry: EntryTuple | undefined
}

/** Decodes a change. Its entry stays a tuple. */
export function decodeChange([key, ifVersion, ...entry]: ChangeTuple): DecodedChange {
  return { key, ifVersion, entry: entry.length === 0 ? undefined : entry }
}

/** Decodes the entry of a tuple. */
export function decodeEntry([value, version, , expires]: EntryTuple): Entry {
  return createEntry(value, version, expires)
}

/** Decodes entries. `tuples[i]` belongs to `keys[i]`; there may be fewer tuples. */
export function decodeEntries(
  keys: readonly string[],
  tuples: readonly (EntryTuple | undefined)[],
): [key: string, entry: Entry][] {
  const entries: [key: string, entry: Entry][] = []
  for (const [index, tuple] of tuples.entries()) {
    const key = keys[index]
    if (tuple !== undefined && key !== undefined) entries.push([key, decodeEntry(tuple)])
  }
  return entries
}

/** Returns the approximate size in a message of a key, and of its entry if that is sent too. */
export function messageBytes(key: string, entry: EntryTuple | undefined): number {
  return 128 + 2 * key.length + (entry?.[2] ?? 0)
}
