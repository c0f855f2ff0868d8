// The latest writes of a key, stored with its entry. An object that was reset learns from them what
// became of a group of changes. Nothing here reads or writes a storage.
import { resultOfStored } from '../../src/step.ts'
import { withoutStamp } from '../../src/stamp.ts'
import { type GroupResults, MAX_VALUE_BYTES } from './group-plan.ts'
import type { DecodedChange, EntryTuple } from './tuples.ts'

/** How long an object can tell what became of a write, in milliseconds. */
export const RETENTION_MS = 60_000
/** How much of a version is kept: its end, which differs in all versions of the core. */
const ID_LENGTH = 16
/** The length of an earlier write: its id, and the time until the next write. */
const WRITE_LENGTH = ID_LENGTH + 2
/** The most earlier writes that an entry keeps. */
const MAX_EARLIER = 256
/** The longest time until the next write that two Latin-1 characters hold, in milliseconds. */
const MAX_GAP_MS = 0xffff
/** The most results that an entry keeps for one write. */
const MAX_RESULTS = 16

/**
 * The writes of a key, the newest first. The newest has no id: it is in the entry. `earlier` has the
 * ids and times of the others, and `earlierResults` their results in the same order; those that it lacks
 * are `undefined`. A structured clone reads one string much faster than a list of the parts. Only a
 * number: there are no results, and nothing is known of earlier writes. `search` reads it; `withHistory`
 * and `toRemoved` add to it.
 */
export type History =
  | number
  | readonly [
      writtenAt: number,
      results: KeptResults,
      earlier?: string | undefined,
      earlierResults?: readonly KeptResults[] | undefined,
    ]

/** `undefined`: every result is `undefined`; `null`: they are not kept here; a number: the only one. */
type KeptResults = readonly unknown[] | number | undefined | null

/** What a row tells about a group. */
interface Search {
  /** The write of the group; `undefined` if it is not in the history. */
  readonly own: OwnWrite | undefined
  /** The history has every write since then; in milliseconds since 1970. */
  readonly knownSince: number
  /** Whether the version that the group expects is in the history. */
  readonly hasExpected: boolean
}

interface OwnWrite {
  readonly results: KeptResults
  /** Whether the row itself is of this write, and not of a later one. */
  readonly isLatest: boolean
}

/** A write that is about to happen. */
export interface NewWrite {
  readonly writtenAt: number
  /** Those of the group, `undefined` if there are none; `null`: another row keeps them. */
  readonly results: readonly unknown[] | undefined | null
  /** The entry that is replaced, or the last removed one; `null`: none; absent: it is not known. */
  readonly previous: EntryTuple | null | undefined
}

/** Finds what is stored about earlier writes. */
export interface HistoryReader {
  /** Returns the entry of a key. */
  readonly stored: (key: string) => EntryTuple | undefined
  /** Returns the last removed entry of a key. */
  readonly removed: (key: string) => EntryTuple | undefined
  /** Returns what a group removed, if another removal of its key followed. */
  readonly removedBy: (id: string) => EntryTuple | undefined
  /** Returns when entries were last cleared, without rows of removed ones; in milliseconds since 1970. */
  readonly clearedAt: () => number
}

/** Returns when an entry was written or removed, in milliseconds since 1970. */
export function writtenAtOf([, , , , history]: EntryTuple): number {
  return toList(history)[0]
}

/** Adds the history to an entry that is about to be stored. */
export function withHistory(
  [value, version, bytes, expires]: EntryTuple,
  { writtenAt, results, previous }: NewWrite,
): EntryTuple {
  return [value, version, bytes, expires, createHistory(writtenAt, toSmall(results), previous)]
}

/**
 * Creates what is stored about a removed entry. Unlike an entry it keeps results of any size that a
 * row can have.
 *
 * @param bytes the size of the results
 */
export function toRemoved(
  id: string,
  bytes: number,
  { writtenAt, results, previous }: NewWrite,
): EntryTuple {
  const kept = bytes > MAX_VALUE_BYTES ? null : results
  return [undefined, id, kept ? bytes : 0, undefined, createHistory(writtenAt, kept, previous)]
}

/** Identifies a group: by the first version in it, or else by its place in its message. */
export function groupIdOf(
  changes: readonly DecodedChange[],
  messageId: string,
  groupIndex: number,
): string {
  const first = changes.find(({ version }) => version !== undefined)?.version
  return first ?? `${messageId}/${groupIndex}`
}

/**
 * Finds out what became of an earlier delivery of a group.
 *
 * @param sentAt for a group that was sent again: when it was first sent, by the object's clock, or
 * earlier. Absent: the platform may have delivered the group twice, and no value is read to find out
 * @returns the results if it was applied; `unknown` if it was sent again and may have been applied;
 * `undefined` if it is to be run
 */
export function findOutcome(
  changes: readonly DecodedChange[],
  { id, now, sentAt }: { id: string; now: number; sentAt: number | undefined },
  reader: HistoryReader,
): GroupResults | 'unknown' | undefined {
  const ids = new Set([shortId(id)])
  for (const { version } of changes) if (version !== undefined) ids.add(shortId(version))
  if (sentAt !== undefined && reader.removedBy(id)) return findResults(changes, { id, ids }, reader)
  const minuteAgo = now - RETENTION_MS
  const since = sentAt ?? minuteAgo
  const clearedAt = sentAt === undefined ? 0 : reader.clearedAt()
  let isNotApplied = false
  let isAllKnown = true
  const readKeys = new Set(changes.filter(readsEntry).map(({ key }) => key))
  // Of several changes of a key, the last one is stored.
  for (const change of new Map(changes.map((each) => [each.key, each])).values()) {
    const { key, isCheck, entry, ifVersion } = change
    const mayRead = sentAt !== undefined || readKeys.has(key)
    // The usual write reads nothing. A check leaves nothing to find.
    if (isCheck || (entry && !mayRead)) continue
    const find = (row: EntryTuple | undefined): Search => search(row, ids, minuteAgo, ifVersion)
    // The write of the group would follow the one that it expects.
    const isKnown = ({ hasExpected, knownSince }: Search): boolean =>
      hasExpected || Math.max(knownSince, clearedAt) <= since
    const current = mayRead ? reader.stored(key) : undefined
    let found = find(current)
    if (!found.own && (current === undefined || !isKnown(found))) {
      const removed = find(reader.removed(key))
      // Between a removed entry and a stored one there may have been others.
      if (removed.own || current === undefined) found = removed
    }
    if (found.own) return findResults(changes, { id, ids }, reader)
    // A removal or a step may change nothing. A group that stores an entry leaves its
    // version there.
    if (!isKnown(found)) isAllKnown = false
    else if (entry) isNotApplied = true
  }
  return sentAt === undefined || isNotApplied || isAllKnown ? undefined : 'unknown'
}

/** Finds the results of a group that was applied: one of the rows that it wrote has them. */
function findResults(
  changes: readonly DecodedChange[],
  { id, ids }: { id: string; ids: ReadonlySet<string> },
  { stored, removed, removedBy }: HistoryReader,
): GroupResults {
  const [{ step } = {}] = changes
  const rows = changes.flatMap(({ key }) => [stored(key), removed(key)])
  for (const row of [...rows, removedBy(id)]) {
    const { own } = search(row, ids)
    if (!row || !own) continue
    // Without steps no result has a value.
    if (own.results === undefined || !changes.some((each) => each.step))
      return { values: [], bytes: 0 }
    // What a pop returned is not in the entry.
    const isStored = step && step.kind !== 'pop' && changes.length === 1 && own.isLatest
    const kept = own.results ?? (isStored ? [resultOfStored(step, row[0])] : undefined)
    const values = typeof kept === 'number' ? [kept] : kept
    if (!values) continue
    // As in the first run, so that the reply is not cut earlier. The row of a removal, which has no
    // value, has the size of the results, and an entry that of its value.
    const hasSize =
      row[0] === undefined ? own.isLatest : own.results === null && step?.kind === 'getOrInsert'
    return { values, bytes: hasSize ? row[2] : 16 * values.length }
  }
  return { values: undefined, bytes: 0 }
}

/** @param missingSince what is known of a key without a row: since then it has had none */
function search(
  row: EntryTuple | undefined,
  ids: ReadonlySet<string>,
  missingSince = 0,
  ifVersion?: string | null,
): Search {
  if (row === undefined) return { own: undefined, knownSince: missingSince, hasExpected: false }
  const [writtenAt, results, earlier = '', earlierResults] = toList(row[4])
  const expected = ifVersion ? shortId(ifVersion) : undefined
  const latest = shortId(row[1])
  let own: OwnWrite | undefined = ids.has(latest) ? { results, isLatest: true } : undefined
  let hasExpected = latest === expected
  let knownSince = writtenAt
  // The usual group has one id, and expects the latest version or none.
  const [onlyId = ''] = ids
  const mayHave =
    ids.size > 1 ||
    earlier.includes(onlyId) ||
    (!hasExpected && expected !== undefined && earlier.includes(expected))
  for (let i = 0; i < earlier.length; i += WRITE_LENGTH) {
    knownSince -= gapAt(earlier, i)
    if (!mayHave) continue
    const id = earlier.slice(i, i + ID_LENGTH)
    if (ids.has(id)) own ??= { results: earlierResults?.[i / WRITE_LENGTH], isLatest: false }
    hasExpected ||= id === expected
  }
  return { own, knownSince, hasExpected }
}

function readsEntry({ ifVersion, step }: DecodedChange): boolean {
  return ifVersion !== undefined || step !== undefined
}

function createHistory(
  now: number,
  results: KeptResults,
  previous: EntryTuple | null | undefined,
): History {
  if (previous === undefined && results === undefined) return now
  // Its rows show neither a write nor a removal of a missing key in the last minute.
  if (previous === null) return [now, results, toEarlier('', RETENTION_MS)]
  if (previous === undefined) return [now, results]
  const [, version, , , replaced = [now, null]] = previous
  const [writtenAt, own, rest = '', restResults] = toList(replaced)
  const all = toEarlier(version, now - writtenAt) + rest
  let length = 0
  for (let age = 0; age < RETENTION_MS && length < all.length; length += WRITE_LENGTH) {
    age += gapAt(all, length)
  }
  const count = Math.min(length / WRITE_LENGTH, MAX_EARLIER)
  const earlier = all.slice(0, count * WRITE_LENGTH)
  const kept = toSmall(own)
  if (kept === undefined && restResults === undefined) return [now, results, earlier]
  return [now, results, earlier, [kept, ...(restResults ?? [])].slice(0, count)]
}

/** Formats an earlier write. @param gapMs the time until the next write, in milliseconds */
function toEarlier(version: string, gapMs: number): string {
  const gap = Math.min(Math.max(gapMs, 0), MAX_GAP_MS)
  return shortId(version) + String.fromCharCode(gap >> 8, gap & 0xff)
}

/** Returns the time between the earlier write at an index and the next write, in milliseconds. */
function gapAt(earlier: string, index: number): number {
  const at = index + ID_LENGTH
  return earlier.charCodeAt(at) * 256 + earlier.charCodeAt(at + 1)
}

/** Returns the end of a version, always as long. */
function shortId(version: string): string {
  return withoutStamp(version).slice(-ID_LENGTH).padEnd(ID_LENGTH, '\0')
}

function toList(history: History = [Infinity, null]): Exclude<History, number> {
  return typeof history === 'number' ? [history, undefined] : history
}

/** Returns results as an entry keeps them. */
function toSmall(results: KeptResults): KeptResults {
  if (typeof results !== 'object' || results === null) return results
  const [first] = results
  if (results.length === 1 && typeof first === 'number') return first
  const areSmall =
    results.length <= MAX_RESULTS &&
    results.every((result) => ['number', 'boolean', 'undefined'].includes(typeof result))
  return areSmall ? results : null
}
