// The form in which an object stores entries. Messages carry entries in the same form.
import type { Change, Entry } from '../../src/storage.ts'

/**
 * An entry as it is stored. `bytes` is the size of key and value as the writer measured it,
 * `expires` is in milliseconds since 1970. A tuple, because a structured clone writes the
 * property names of every object.
 */
export type EntryTuple = readonly [value: unknown, version: string, bytes: number, expires?: number]

/** A change with its entry in stored form; without an entry it removes the key. */
export interface EngineChange {
  readonly key: string
  readonly ifVersion: string | null | undefined
  readonly entry: EntryTuple | undefined
}

/** Puts the entry of a change into stored form. */
export function writeEntry(change: Change): EntryTuple | undefined {
  if (!('entry' in change)) return undefined
  const { value, version, expires } = change.entry
  return expires === undefined
    ? [value, version, change.bytes]
    : [value, version, change.bytes, expires]
}

/** The inverse of {@link writeEntry}. */
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

export function versionOf([, version]: EntryTuple): string {
  return version
}

export function bytesOf([, , bytes]: EntryTuple): number {
  return bytes
}

export function expiresOf([, , , expires]: EntryTuple): number | undefined {
  return expires
}
