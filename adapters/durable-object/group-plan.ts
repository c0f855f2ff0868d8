// What a group of changes does to the stored entries. Nothing here reads or writes a storage.
import { isStoreError, StoreError } from '../../src/errors.ts'
import { keepStamp } from '../../src/stamp.ts'
import { runStep, type Step } from '../../src/step.ts'
import { isLive } from '../../src/entry.ts'
import { copyValue, utf8Bytes } from '../../src/value/copy-value.ts'
import { type DecodedChange, decodeEntry, type EntryTuple } from './tuples.ts'

/** The largest value with its key, in bytes. The limit is lower than that of every known runtime. */
export const MAX_VALUE_BYTES = 2_000_000

/** Returns the stored entry of a key, expired or not. */
export type ReadEntry = (key: string) => EntryTuple | undefined

/** What a group that can be applied writes, and its results. */
export interface GroupPlan {
  /** By key: the entry to store; `undefined`: the key is removed. */
  readonly writes: ReadonlyMap<string, EntryTuple | undefined>
  readonly results: GroupResults
}

/** The results of a group that was applied. */
export interface GroupResults {
  /** One for each change; `undefined` if the group was applied, but its results are not known. */
  readonly values: readonly unknown[] | undefined
  /** The approximate size of the values, in bytes. */
  readonly bytes: number
}

/**
 * Checks the conditions of a group and runs its steps.
 *
 * @param now entries that have expired by then count as missing; in milliseconds since 1970
 * @returns `conflict` if a condition is false; the error if a step cannot run
 */
export function planGroup(
  changes: readonly DecodedChange[],
  read: ReadEntry,
  now: number,
): GroupPlan | 'conflict' | StoreError {
  for (const { key, ifVersion } of changes) {
    if (ifVersion === undefined) continue
    if ((ifLive(read(key), now)?.[1] ?? null) !== ifVersion) return 'conflict'
  }
  const writes = new Map<string, EntryTuple | undefined>()
  const values: unknown[] = []
  let bytes = 0
  for (const change of changes) {
    const { key, step, entry, isCheck } = change
    if (step) {
      const live = ifLive(writes.has(key) ? writes.get(key) : read(key), now)
      try {
        values.push(applyStep({ ...change, step }, live, writes))
      } catch (error) {
        return ofKey(error, key)
      }
      bytes += resultBytes(step, live ?? writes.get(key))
    } else {
      values.push(undefined)
      if (!isCheck) writes.set(key, entry)
    }
  }
  return { writes, results: { values, bytes } }
}

/** Runs a step, and returns its result. */
function applyStep(
  { key, step, version = '', stepBytes = 0 }: DecodedChange & { readonly step: Step },
  live: EntryTuple | undefined,
  writes: Map<string, EntryTuple | undefined>,
): unknown {
  const liveEntry = live && decodeEntry(live)
  const { change, result } = runStep(step, liveEntry)
  if (change === 'remove') writes.set(key, undefined)
  else if (change) {
    const { value, expires } = change
    const stamped = keepStamp(version, liveEntry)
    let bytes = bytesAfter(step, key, live, stepBytes)
    // The client has checked the size of the step's own value.
    if (step.kind === 'append' && bytes > MAX_VALUE_BYTES) {
      // The estimate is too high if large items were cut off.
      bytes = copyValue(value, { keyBytes: utf8Bytes(key) }).bytes
      if (bytes > MAX_VALUE_BYTES) throw listTooLarge(bytes)
    }
    writes.set(
      key,
      expires === undefined ? [value, stamped, bytes] : [value, stamped, bytes, expires],
    )
  }
  return result
}

/** The approximate size of the entry that a step stores, with its key. */
function bytesAfter(
  step: Step,
  key: string,
  live: EntryTuple | undefined,
  stepBytes: number,
): number {
  if (live === undefined) return stepBytes
  const [value, , bytes] = live
  if (step.kind !== 'append') return bytes
  const length = (value as readonly unknown[]).length + 1
  const total = bytes + Math.max(0, stepBytes - key.length)
  // What is cut off counts as average items.
  return Math.ceil((total * Math.min(length, step.max ?? length)) / length)
}

/**
 * Returns the approximate size of a result, which is 0 only for one that is `undefined`.
 *
 * @param entry the entry that the step found or stored
 */
function resultBytes({ kind }: Step, entry: EntryTuple | undefined): number {
  if (kind !== 'pop' && kind !== 'getOrInsert') return 16
  // The size of a number is that of its key, which may be empty.
  return entry === undefined ? 0 : Math.max(entry[2], 16)
}

function ifLive(entry: EntryTuple | undefined, now: number): EntryTuple | undefined {
  return entry !== undefined && isLive({ expires: entry[3] }, now) ? entry : undefined
}

function listTooLarge(bytes: number): StoreError {
  return new StoreError(
    'TOO_LARGE',
    `The list takes ${bytes} bytes; an object stores at most ${MAX_VALUE_BYTES} under a key. Append with a smaller max, or use another key.`,
  )
}

/** Returns the error of a step with its key. */
function ofKey(error: unknown, key: string): StoreError {
  if (!isStoreError(error)) throw error
  return new StoreError(error.code, error.message, { key, outcome: 'not-applied' })
}
