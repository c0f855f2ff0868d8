// The latest writes of a key, stored with its entry. An object that was reset learns from them what
// became of a group of changes. Nothing here reads or writes a storage.
import { resultOfStored } from '../../src/step.ts'
import { withoutStamp } from '../../src/stamp.ts'
import type { GroupResults } from './group-plan.ts'
import type { DecodedChange, EntryTuple } from './tuples.ts'

/** How long an object can tell what became of a write, in milliseconds. */
export const RETENTION_MS = 60_000
/** The most earlier writes that an entry keeps; they take about 25 bytes each. */
const MAX_EARLIER = 256
/** How much of a version is kept: its end, which differs in all versions of the core. */
const ID_LENGTH = 16
/** The largest results that an entry keeps for its own write, and the most for each earlier one. */
const MAX_RESULT_BYTES = 1024
const MAX_EARLIER_RESULTS = 16

/**
 * The writes of a key, the newest first. The newest has no id: it is in the entry. An earlier one has
 * its id, the milliseconds until the next write, and its results. Only a number: there are no results,
 * and nothing is known of earlier writes. Read it with {@link writesOf}; `withHistory` and `toRemoved`
 * add to it.
 */
export type History =
  | number
  | readonly [writtenAt: number, results: KeptResults, ...earlier: unknown[]]

/** `undefined`: every result is `undefined`; `null`: the results are not kept here. */
type KeptResults = readonly unknown[] | undefined | null

/** A write of a key. */
export interface StoredWrite {
  /** The end of the version of the entry; for a removal, of the id of its group. */
  readonly id: string
  /** By the object's clock, in milliseconds since 1970. */
  readonly writtenAt: number
  /** The results of the whole group. */
  readonly results: KeptResults
}

/** A write that is about to happen. */
export interface NewWrite {
  readonly writtenAt: number
  /** Those of the group, `undefined` if there are none; `null`: another key of the group keeps them. */
  readonly results: GroupResults | undefined | null
  /** The entry that is replaced, or the last removed one; `null`: none; absent: it is not known. */
  readonly previous: EntryTuple | null | undefined
}

/** Finds the stored entry of a key, and the last removed one. */
export interface HistoryReader {
  readonly stored: (key: string) => EntryTuple | undefined
  readonly removed: (key: string) => EntryTuple | undefined
}

/** Returns the writes of a key that its entry knows, the newest first. */
export function writesOf([, version, , , history]: EntryTuple): StoredWrite[] {
  const [latest, results, ...earlier] = toList(history)
  const writes: StoredWrite[] = [{ id: shortId(version), writtenAt: latest, results }]
  let writtenAt = latest
  for (let i = 0; i < earlier.length; i += 3) {
    writtenAt -= earlier[i + 1] as number
    writes.push({ id: earlier[i] as string, writtenAt, results: earlier[i + 2] as KeptResults })
  }
  return writes
}

/** Adds the history to an entry that is about to be stored. */
export function withHistory(
  [value, version, bytes, expires]: EntryTuple,
  { writtenAt, results, previous }: NewWrite,
): EntryTuple {
  const isKept = results && results.bytes <= MAX_RESULT_BYTES
  const kept = isKept ? results.values : results && null
  return [value, version, bytes, expires, createHistory(writtenAt, kept, previous)]
}

/** Creates what is stored about a removed entry. It keeps results of any size. */
export function toRemoved(id: string, { writtenAt, results, previous }: NewWrite): EntryTuple {
  const history = createHistory(writtenAt, results && results.values, previous)
  return [undefined, id, results?.bytes ?? 0, undefined, history]
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
  { stored, removed }: HistoryReader,
): GroupResults | 'unknown' | undefined {
  // The usual write reads nothing.
  if (sentAt === undefined && changes.every((each) => each.entry && !readsEntry(each))) {
    return undefined
  }
  const ids = new Set([shortId(id)])
  for (const { version } of changes) if (version !== undefined) ids.add(shortId(version))
  const lastOfKey = new Map(changes.map((change) => [change.key, change]))
  const hasSteps = changes.some(({ step }) => step)
  let isApplied = false
  let isAbsent = false
  let isComplete = true
  for (const change of changes) {
    const { key, ifVersion, entry, step, isCheck } = change
    const mayRead = sentAt !== undefined || readsEntry(change)
    // A check writes nothing.
    if (isCheck || (entry && !mayRead)) continue
    const since = sentAt ?? now - RETENTION_MS
    const current = mayRead ? stored(key) : undefined
    let knownSince = now - RETENTION_MS
    let isKnown = false
    const expected = ifVersion && shortId(ifVersion)
    for (const get of [() => current, removed]) {
      const found = get(key)
      if (found === undefined) continue
      const writes = writesOf(found)
      const own = writes.find((write) => ids.has(write.id))
      if (own) {
        if (!hasSteps || own.results === undefined) return { values: [], bytes: 0 }
        isApplied = true
        const isStored = found === current && own === writes[0] && changes.length === 1
        const values = own.results ?? (isStored && step && [resultOfStored(step, found[0])])
        if (values) return { values, bytes: 16 * values.length + found[2] }
      }
      // Between a removed entry and a stored one there may have been others.
      if (found === current || current === undefined) {
        knownSince = writes.at(-1)?.writtenAt ?? Infinity
        // The write would follow the one that it expects.
        isKnown = writes.some((write) => write.id === expected)
        if (!own && found === current && knownSince <= since) break
      }
    }
    isKnown ||= knownSince <= since
    isComplete &&= isKnown
    const isSure = entry ?? ifVersion ?? ['increment', 'append'].includes(step?.kind ?? '')
    if (isKnown && isSure && lastOfKey.get(key) === change) isAbsent = true
  }
  if (isApplied) return { values: undefined, bytes: 0 }
  return sentAt === undefined || isAbsent || isComplete ? undefined : 'unknown'
}

function readsEntry({ ifVersion, step }: DecodedChange): boolean {
  return ifVersion !== undefined || step !== undefined
}

function createHistory(
  now: number,
  results: KeptResults,
  previous: EntryTuple | null | undefined,
): History {
  const history: [number, KeptResults, ...unknown[]] = [now, results]
  if (previous === undefined && results === undefined) return now
  // A missing key was neither stored nor removed lately.
  if (previous === null) history.push('', RETENTION_MS, undefined)
  else if (previous) {
    const [, version, , , replaced = [now, null]] = previous
    const [writtenAt, own, ...earlier] = toList(replaced)
    const age = Math.max(now - writtenAt, 0)
    history.push(shortId(version), age, own && !areSmall(own) ? null : own, ...earlier)
  }
  let length = 2
  for (let age = 0; age < RETENTION_MS && length < 3 * MAX_EARLIER; length += 3) {
    age += (history[length + 1] as number | undefined) ?? Infinity
  }
  history.length = Math.min(history.length, length)
  return history
}

function shortId(version: string): string {
  return withoutStamp(version).slice(-ID_LENGTH)
}

function toList(history: History = [Infinity, null]): Exclude<History, number> {
  return typeof history === 'number' ? [history, undefined] : history
}

function areSmall(results: readonly unknown[]): boolean {
  return (
    results.length <= MAX_EARLIER_RESULTS &&
    results.every((result) => ['number', 'boolean', 'undefined'].includes(typeof result))
  )
}
