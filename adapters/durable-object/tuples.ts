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
 * Changes in a request, one after another. In columns, because a structured clone takes longer to write
 * and read an array for each change. The last three are absent if all of their items would be `undefined`.
 */
export interface ChangeColumns {
  readonly keys: string[]
  /** The value to store, or the step. */
  readonly values: unknown[]
  /** The version of the entry that the change stores, if it may store one. */
  readonly versions: (string | undefined)[]
  /** The size of the key and of the value or item, in bytes. */
  readonly bytes: (number | undefined)[]
  readonly expires?: (number | undefined)[] | undefined
  readonly ifVersions?: (string | null | undefined)[] | undefined
  /** `undefined`: the change stores an entry. */
  readonly kinds?: ('step' | 'check' | 'remove' | undefined)[] | undefined
}

/** Encodes changes as columns. */
export function encodeChanges(changes: readonly (Change | StepChange)[]): ChangeColumns {
  const columns: ChangeColumns = { keys: [], values: [], versions: [], bytes: [] }
  const { keys, values, versions, bytes } = columns
  for (const change of changes) {
    const stored = 'entry' in change ? change.entry : undefined
    const step = 'step' in change ? change : undefined
    keys.push(change.key)
    values.push(stored ? stored.value : step?.step)
    versions.push((stored ?? step)?.version)
    bytes.push('bytes' in change ? change.bytes : undefined)
  }
  if (changes.every(isPlain)) return columns
  return {
    ...columns,
    expires: changes.map((change) => ('entry' in change ? change.entry.expires : undefined)),
    ifVersions: changes.map((change) => ('ifVersion' in change ? change.ifVersion : undefined)),
    kinds: changes.map((change) => {
      if ('entry' in change) return undefined
      return 'step' in change ? 'step' : 'check' in change ? 'check' : 'remove'
    }),
  }
}

/** Whether a change stores an entry without condition and expiry. */
function isPlain(change: Change | StepChange): boolean {
  return 'entry' in change && change.ifVersion === undefined && change.entry.expires === undefined
}

/** Encodes the entry that a change stores. */
export function encodeEntry({ entry, bytes }: SetChange): EntryTuple {
  return toTuple(entry.value, entry.version, bytes, entry.expires)
}

function toTuple(value: unknown, version: string, bytes: number, expires?: number): EntryTuple {
  return expires === undefined ? [value, version, bytes] : [value, version, bytes, expires]
}

/** One change of {@link ChangeColumns}. */
export interface DecodedChange {
  readonly key: string
  readonly ifVersion?: string | null | undefined
  /** The version of the entry that the change stores, if it may store one. */
  readonly version?: string | undefined
  /** The entry to store. Without it and `step`, the change removes the key, unless `isCheck`. */
  readonly entry?: EntryTuple
  readonly step?: Step
  /** The size of the key and of the value or item in the step, in bytes. */
  readonly stepBytes?: number | undefined
  readonly isCheck?: boolean
}

/** Decodes a change. Its entry becomes a tuple. */
export function decodeChange(
  { keys, values, versions, bytes, expires, ifVersions, kinds }: ChangeColumns,
  index: number,
): DecodedChange {
  const key = keys[index] as string
  const value = values[index]
  const version = versions[index]
  const ifVersion = ifVersions?.[index]
  switch (kinds?.[index]) {
    case 'remove':
      return { key, ifVersion }
    case 'check':
      return { key, ifVersion, isCheck: true }
    case 'step':
      return { key, step: value as Step, version, stepBytes: bytes[index] }
    default:
      return {
        key,
        ifVersion,
        version,
        entry: toTuple(value, version ?? '', bytes[index] ?? 0, expires?.[index]),
      }
  }
}

/** Decodes the groups of a message, whose changes follow one another. */
export function decodeGroups(
  changes: ChangeColumns,
  groupSizes: readonly number[],
): DecodedChange[][] {
  let next = 0
  return groupSizes.map((size) => {
    const group: DecodedChange[] = []
    for (const end = next + size; next < end; next++) group.push(decodeChange(changes, next))
    return group
  })
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
