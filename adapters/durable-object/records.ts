// The form in which an object stores entries, and in which messages carry them.
import type { Change, Entry } from '../../src/storage.ts'

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

export function writeChanges(changes: readonly Change[]): ChangeTuple[] {
  return changes.map((change) => {
    const { key, ifVersion } = change
    if (!('entry' in change)) return [key, ifVersion]
    const { value, version, expires } = change.entry
    return expires === undefined
      ? [key, ifVersion, value, version, change.bytes]
      : [key, ifVersion, value, version, change.bytes, expires]
  })
}

/** The entry that a change stores; `undefined` if it removes the key. */
export function entryOf([, , ...entry]: ChangeTuple): EntryTuple | undefined {
  return entry.length === 0 ? undefined : entry
}

export function readEntry([value, version, , expires]: EntryTuple): Entry {
  return expires === undefined ? { value, version } : { value, version, expires }
}

/** Pairs keys with their entries. `tuples[i]` belongs to `keys[i]`; there may be fewer tuples. */
export function readEntries(
  keys: readonly string[],
  tuples: readonly (EntryTuple | undefined)[],
): [string, Entry][] {
  const entries: [string, Entry][] = []
  for (const [index, tuple] of tuples.entries()) {
    const key = keys[index]
    if (tuple !== undefined && key !== undefined) entries.push([key, readEntry(tuple)])
  }
  return entries
}

/** The approximate size in a message of a key, and of its entry if that is sent too. */
export function messageBytes(key: string, entry: EntryTuple | undefined): number {
  return 128 + 2 * key.length + (entry?.[2] ?? 0)
}
