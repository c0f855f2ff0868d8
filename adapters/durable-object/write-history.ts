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

/** `undefined`: every result is `undefined`; `null`: they are not kept here; a number: the only one. */
type KeptResults = readonly unknown[] | number | undefined | null

/** What the history of a key tells about a group. */
interface Search {
  /** The results of the group, if it was applied. */
  readonly own?: { readonly results: KeptResults; readonly isLatest: boolean }
  /** The history has every write since then; in milliseconds since 1970. */
  readonly knownSince: number
  /** Whether the version that the group expects is in the history. */
  readonly hasExpected: boolean
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

/** Returns when an entry was written or removed, in milliseconds since 1970. */
export function writtenAtOf([, , , , history]: EntryTuple): number {
  return toList(history)[0]
}

function search(entry: EntryTuple, ids: ReadonlySet<string>, expected: unknown): Search {
  const history = toList(entry[4])
  let own: Search['own']
  let hasExpected = false
  let knownSince = history[0]
  // No objects for each write: a hot key has many.
  for (let i = 1; i < history.length; i += 3) {
    const id = i === 1 ? shortId(entry[1]) : (history[i - 2] as string)
    if (i > 1) knownSince -= history[i - 1] as number
    if (ids.has(id)) own ??= { results: history[i] as KeptResults, isLatest: i === 1 }
    hasExpected ||= id === expected
  }
  return { ...(own && { own }), knownSince, hasExpected }
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
      const { own, ...known } = search(found, ids, expected)
      if (own) {
        if (!hasSteps || own.results === undefined) return { values: [], bytes: 0 }
        isApplied = true
        const isStored = found === current && own.isLatest && changes.length === 1
        const results = own.results ?? (isStored && step && [resultOfStored(step, found[0])])
        const values = typeof results === 'number' ? [results] : results
        if (values) return { values, bytes: 16 * values.length + found[2] }
      }
      // Between a removed entry and a stored one there may have been others.
      if (found === current || current === undefined) {
        // The write would follow the one that it expects.
        ;({ knownSince, hasExpected: isKnown } = known)
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
  if (previous === undefined && results === undefined) return now
  const history: [number, KeptResults, ...unknown[]] = [now, results]
  // A missing key was neither stored nor removed lately.
  if (previous === null) history.push('', RETENTION_MS, undefined)
  else if (previous) {
    const [, version, , , replaced = [now, null]] = previous
    const [writtenAt, own, ...earlier] = toList(replaced)
    history.push(shortId(version), Math.max(now - writtenAt, 0), toSmall(own), ...earlier)
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

/** Returns results as an earlier write keeps them. */
function toSmall(results: KeptResults): KeptResults {
  if (typeof results !== 'object' || results === null) return results
  const [first] = results
  if (results.length === 1 && typeof first === 'number') return first
  const areSmall =
    results.length <= MAX_EARLIER_RESULTS &&
    results.every((result) => ['number', 'boolean', 'undefined'].includes(typeof result))
  return areSmall ? results : null
}
