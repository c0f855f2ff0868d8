// The form in which an object stores entries, and in which messages carry them.
import type { Step } from '../../src/step.ts'
import { createEntry, type Entry } from '../../src/entry.ts'
import type { Change, SetChange, StepChange } from '../../src/storage.ts'
import type { History } from './write-history.ts'

/**
 * An entry as it is stored. `bytes` is the size of key and value as the writer measured it,
 * `expires` is in milliseconds since 1970. Only an object stores `history`; it sends none. A tuple,
 * because a structured clone writes the property names of every object.
 */
export type EntryTuple = readonly [
  value: unknown,
  version: string,
  bytes: number,
  expires?: number | undefined,
  history?: History,
]

/**
 * A {@link Change} or a {@link StepChange}; its length says which: a removal, a check, a step, or an
 * entry to store. A message of type `commit` has only the first and the last.
 */
export type ChangeTuple =
  | readonly [key: string, ifVersion: string | null | undefined]
  | readonly [key: string, ifVersion: string | null, check: true]
  | readonly [key: string, step: Step, version: string, bytes: number]
  | readonly [key: string, ifVersion: string | null | undefined, ...entry: EntryTuple]

/** Encodes changes as tuples. */
export function encodeChanges(changes: readonly (Change | StepChange)[]): ChangeTuple[] {
  return changes.map((change) => {
    const { key } = change
    if ('step' in change) return [key, change.step, change.version, change.bytes]
    if ('check' in change) return [key, change.ifVersion, true]
    if ('remove' in change) return [key, change.ifVersion]
    return [key, change.ifVersion, ...encodeEntry(change)]
  })
}

/** Encodes the entry that a change stores. */
export function encodeEntry({ entry, bytes }: SetChange): EntryTuple {
  const { value, version, expires } = entry
  return expires === undefined ? [value, version, bytes] : [value, version, bytes, expires]
}

/** The parts of a {@link ChangeTuple}. */
export interface DecodedChange {
  readonly key: string
  readonly ifVersion?: string | null | undefined
  /** The version of the entry that the change stores, if it may store one. */
  readonly version?: string | undefined
  /** The entry to store. Without it and `step`, the change removes the key, unless `isCheck`. */
  readonly entry?: EntryTuple
  readonly step?: Step
  /** The size of the key and of the value or item in the step, in bytes. */
  readonly stepBytes?: number
  readonly isCheck?: boolean
}

/** Decodes a change. Its entry stays a tuple. */
export function decodeChange(tuple: ChangeTuple): DecodedChange {
  switch (tuple.length) {
    case 2:
      return { key: tuple[0], ifVersion: tuple[1] }
    case 3:
      return { key: tuple[0], ifVersion: tuple[1], isCheck: true }
    case 4:
      return { key: tuple[0], step: tuple[1], version: tuple[2], stepBytes: tuple[3] }
    default: {
      const [key, ifVersion, , version] = tuple
      return { key, ifVersion, version, entry: tuple.slice(2) as unknown as EntryTuple }
    }
  }
}

/** Decodes the groups of a message, whose changes follow one another. */
export function decodeGroups(
  changes: readonly ChangeTuple[],
  groupSizes: readonly number[],
): DecodedChange[][] {
  let end = 0
  return groupSizes.map((size) => changes.slice(end, (end += size)).map(decodeChange))
}

/**
 * Entries in a reply, one after another. In columns, because a structured clone takes longer to write
 * and read an array for each entry.
 */
export interface EntryColumns {
  readonly values: unknown[]
  /** `undefined`: the key has no entry. */
  readonly versions: (string | undefined)[]
  readonly expires: (number | undefined)[]
}

/** Creates the columns of no entries. */
export function createColumns(): EntryColumns {
  return { values: [], versions: [], expires: [] }
}

/** Adds an entry, without its size and its history. */
export function addToColumns(
  { values, versions, expires }: EntryColumns,
  entry: EntryTuple | undefined,
): void {
  values.push(entry?.[0])
  versions.push(entry?.[1])
  expires.push(entry?.[3])
}

/** Decodes the entry of a tuple. */
export function decodeEntry([value, version, , expires]: EntryTuple): Entry {
  return createEntry(value, version, expires)
}

/**
 * Decodes entries. The first ones belong to the first keys; there may be fewer entries.
 *
 * @param found receives the entries, by key
 */
export function decodeEntries(
  keys: readonly string[],
  { values, versions, expires }: EntryColumns,
  found: Map<string, Entry> = new Map<string, Entry>(),
): Map<string, Entry> {
  for (const [index, version] of versions.entries()) {
    if (version !== undefined)
      found.set(keys[index] as string, createEntry(values[index], version, expires[index]))
  }
  return found
}
