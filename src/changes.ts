import {
  checkOptions,
  invalidOption,
  type OptionTypes,
  type StepOptions,
  type WriteOptions,
} from './arguments.ts'
import { type StoreError, toStoreError } from './errors.ts'
import { stampOf } from './stamp.ts'
import type { ExpiryRule } from './step.ts'
import { createEntry, type Entry, isLive } from './entry.ts'
import type { SetChange, Traits } from './storage.ts'
import type { StoreRecord } from './store-types.ts'
import { copyValue, type MeasuredCopy, utf8Bytes } from './value/copy-value.ts'

/** Checks the values of a store, and converts those of an earlier version. */
export interface ValueSchema {
  /** The version of the values that the store writes; absent: they keep that of what they replace. */
  readonly version: number | undefined
  /** Returns the value to store. @throws StoreError `INVALID_VALUE` */
  check(key: string, value: unknown): unknown
  /** Returns the version of an entry. @throws StoreError `VERSION_MISMATCH` if it is newer */
  checkVersion(key: string, entry: Entry): number
  /**
   * Returns a live entry with a value of the current version.
   *
   * @throws StoreError `VERSION_MISMATCH`, `CORRUPT`
   */
  read(key: string, entry: Entry): Entry
}

/** What is needed to turn a value into a change of one namespace. */
export interface WriteContext {
  readonly namespace: string
  readonly traits: Traits
  readonly schema?: ValueSchema | undefined
  /** The runtime's clock, in milliseconds since 1970. */
  now(): number
  /**
   * Returns a version string that no other write has, in any process.
   *
   * @param stamp the version of the value, unless the store has one of its own. Default 0: none
   */
  nextVersion(stamp?: number): string
}

/**
 * Creates the change that stores a checked copy of a value.
 *
 * @param expires in milliseconds since 1970; `undefined`: never
 * @param stamp the version of the value, unless the store has one of its own
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function createSetChange(
  context: WriteContext,
  key: string,
  newValue: unknown,
  expires: number | undefined,
  stamp?: number,
): SetChange {
  const { value, bytes } = copyForKey(context, key, checkValue(context, key, newValue))
  return { key, bytes, entry: createEntry(value, context.nextVersion(stamp), expires) }
}

/** Returns the entry, with a value of the current version, unless it has expired. */
export function ifLive(
  context: WriteContext,
  key: string,
  entry: Entry | undefined,
): Entry | undefined {
  // The clock takes longer to read than the rest of this function.
  if (!entry || (entry.expires !== undefined && !isLive(entry, context.now()))) return undefined
  return context.schema ? context.schema.read(key, entry) : entry
}

/** Converts an entry to what a store returns. A store without a version shows that of the entry. */
export function toRecord<V>({ schema }: WriteContext, entry: Entry): StoreRecord<V> {
  const { value, expires } = entry
  const version = schema?.version === undefined ? stampOf(entry) : 0
  const record: { value: V; expires?: number; version?: number } = { value: value as V }
  if (expires !== undefined) record.expires = expires
  if (version > 0) record.version = version
  return record
}

/**
 * Checks options and resolves them to the expiry that they give to an entry.
 *
 * @param types the options that there may be
 * @returns `undefined` if the options give none
 * @throws StoreError `INVALID_VALUE`
 */
export function resolveExpiry(
  context: WriteContext,
  options: StepOptions | undefined,
  types: OptionTypes,
): ExpiryRule | undefined {
  if (options === undefined) return undefined
  const { namespace, schema } = context
  const checked: StepOptions & WriteOptions = checkOptions(options, types, namespace)
  const { ttl, expires, onInsert, version } = checked
  const fail = (path: string, expected: string, received: unknown): StoreError =>
    invalidOption(path, expected, received, namespace)
  if (version !== undefined && schema?.version !== undefined)
    throw fail('.version', 'left out in a store that has one', version)
  if (ttl !== undefined) {
    if (expires !== undefined) throw fail('.expires', 'left out with ttl', expires)
    return { expires: context.now() + ttl, onInsert }
  }
  if (expires !== undefined) return { expires: expires ?? undefined, onInsert }
  if (onInsert === true) throw fail('.onInsert', 'given with ttl or expires', onInsert)
  return undefined
}

/** Returns what the schema makes of a value. @throws StoreError `INVALID_VALUE` */
export function checkValue({ schema }: WriteContext, key: string, value: unknown): unknown {
  return schema ? schema.check(key, value) : value
}

/**
 * Copies and measures a value together with its key, without the schema.
 *
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function copyForKey(
  { namespace, traits: { maxValueBytes } }: WriteContext,
  key: string,
  value: unknown,
): MeasuredCopy {
  // Without a limit the exact size is not needed.
  const keyBytes = maxValueBytes < Infinity ? utf8Bytes(key) : key.length
  try {
    return copyValue(value, { maxBytes: maxValueBytes, keyBytes })
  } catch (error) {
    throw toStoreError(error, { namespace, key })
  }
}
