// The latest writes of a key, stored with its entry. An object that was reset learns from them what
// became of a group of changes. Nothing here reads or writes a storage.
import { resultOfStored } from '../../src/step.ts'
import { withoutStamp } from '../../src/stamp.ts'
import type { GroupResults } from './group-plan.ts'
import type { DecodedChange, EntryTuple } from './tuples.ts'

/** How long an object can tell what became of a write, in milliseconds. */
export const RETENTION_MS = 60_000
/** The most earlier writes that an entry keeps. */
const MAX_EARLIER = 64
/** The largest results that an entry keeps for its own write, and the most for each earlier one. */
const MAX_RESULT_BYTES = 1024
const MAX_EARLIER_RESULTS = 16

/**
 * The writes of a key, the newest first. The newest has no version: it is that of the entry. Read it
 * with {@link writesOf}; `withHistory` and `toRemoved` add to it.
 */
export type History = readonly [writtenAt: number, results: KeptResults, ...earlier: unknown[]]

/** `undefined`: every result is `undefined`; `null`: the results are not kept here. */
type KeptResults = readonly unknown[] | undefined | null

/** A write of a key. */
export interface StoredWrite {
  /** The version of the entry; for a removal the id of its group. */
  readonly version: string
  /** By the object's clock, in milliseconds since 1970. */
  readonly writtenAt: number
  /** The results of the whole group. */
  readonly results: KeptResults
}

/** What a group wrote, for the history. */
export interface GroupWrite {
  /** The id of the group; the version of a removal. */
  readonly id: string
  readonly now: number
  readonly results: GroupResults
}

/** Finds the stored entry of a key, and the last removed one. */
export interface HistoryReader {
  stored(key: string): EntryTuple | undefined
  removed(key: string): EntryTuple | undefined
}

/** Returns the writes of a key that its entry knows, the newest first. */
export function writesOf([, version, , , history]: EntryTuple): StoredWrite[] {
  const [writtenAt, results, ...earlier] = history ?? [Infinity, null]
  const writes: StoredWrite[] = [{ version, writtenAt, results }]
  for (let i = 0; i < earlier.length; i += 3) {
    writes.push({
      version: earlier[i] as string,
      writtenAt: earlier[i + 1] as number,
      results: earlier[i + 2] as KeptResults,
    })
  }
  return writes
}

/**
 * Adds the history to an entry that is about to be stored.
 *
 * @param previous the entry that it replaces, or the last removed one; `null`: there is none;
 * absent: it is not known
 */
export function withHistory(
  [value, version, bytes, expires]: EntryTuple,
  { now, results }: GroupWrite,
  previous: EntryTuple | null | undefined,
): EntryTuple {
  const kept = results.bytes <= MAX_RESULT_BYTES ? results.values : null
  return [value, version, bytes, expires, createHistory(now, kept, previous)]
}

/** Creates what is stored about a removed entry. It keeps the results of its group, of any size. */
export function toRemoved(
  { id, now, results }: GroupWrite,
  previous: EntryTuple | undefined,
): EntryTuple {
  return [undefined, id, results.bytes, undefined, createHistory(now, results.values, previous)]
}

/** Identifies a group: by the first version in it, or else by its place in its message. */
export function groupIdOf(
  changes: readonly DecodedChange[],
  messageId: string,
  groupIndex: number,
): string {
  const first = changes.find(({ version }) => version !== undefined)?.version
  return first === undefined ? `${messageId}/${groupIndex}` : withoutStamp(first)
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
  const ids = new Set([id])
  for (const { version } of changes) if (version !== undefined) ids.add(withoutStamp(version))
  const lastOfKey = new Map(changes.map((change) => [change.key, change]))
  const hasSteps = changes.some(({ step }) => step)
  let isApplied = false
  let isAbsent = false
  let isComplete = true
  for (const change of changes) {
    const { key, ifVersion, entry, step, isCheck } = change
    const readsEntry = ifVersion !== undefined || step !== undefined
    // A check writes nothing.
    if (isCheck || (sentAt === undefined && entry && !readsEntry)) continue
    const since = sentAt ?? now - RETENTION_MS
    const current = sentAt === undefined && !readsEntry ? undefined : stored(key)
    let knownSince = now - RETENTION_MS
    let isKnown = false
    for (const get of [() => current, removed]) {
      const found = get(key)
      if (found === undefined) continue
      const writes = writesOf(found)
      const own = writes.find(({ version }) => ids.has(withoutStamp(version)))
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
        isKnown = writes.some(({ version }) => version === ifVersion)
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

function createHistory(
  now: number,
  results: KeptResults,
  previous: EntryTuple | null | undefined,
): History {
  const kept = results?.every((result) => result === undefined) ? undefined : results
  const history: [number, KeptResults, ...unknown[]] = [now, kept]
  // A missing key was neither stored nor removed lately.
  if (previous === null) history.push('', now - RETENTION_MS, undefined)
  else if (previous) {
    const [, version, , , [writtenAt, own, ...earlier] = [now, null]] = previous
    history.push(version, writtenAt, own && !areSmall(own) ? null : own, ...earlier)
  }
  let count = 0
  // The time of each write follows the one of the next at a distance of three.
  while (count < MAX_EARLIER && (history[3 * count] as number) > now - RETENTION_MS) count++
  history.length = Math.min(history.length, 3 * count + 2)
  return history
}

function areSmall(results: readonly unknown[]): boolean {
  return (
    results.length <= MAX_EARLIER_RESULTS &&
    results.every((result) => ['number', 'boolean', 'undefined'].includes(typeof result))
  )
}
