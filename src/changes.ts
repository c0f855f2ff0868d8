import {
  checkBoolean,
  checkOptions,
  checkPositiveInteger,
  invalidOption,
  type StepOptions,
  type WriteOptions,
} from './arguments.ts'
import { toStoreError } from './errors.ts'
import { stampOf } from './stamp.ts'
import { type ExpiryRule, nextExpires } from './step.ts'
import {
  createEntry,
  type Entry,
  isLive,
  type RemoveChange,
  type SetChange,
  type Traits,
} from './storage.ts'
import type { StoreRecord } from './store.ts'
import { copyValue, type MeasuredCopy, utf8Bytes } from './value/copy-value.ts'

/** Checks the values of a store, and converts those of an earlier version. */
export interface ValueSchema {
  /** The version of the values that the store writes; absent: they keep that of what they replace. */
  readonly version: number | undefined
  /** Returns the value to store. @throws StoreError `INVALID_VALUE` */
  check(key: string, value: unknown): unknown
  /** @throws StoreError `VERSION_MISMATCH` if the entry is of a newer version */
  checkVersion(key: string, entry: Entry): void
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

/**
 * Creates the change that makes `next` the value of a key; `undefined` removes the key.
 *
 * @param live the entry of the key, unless it has expired
 * @returns `undefined` if there is nothing to change
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function changeFor(
  context: WriteContext,
  key: string,
  live: Entry | undefined,
  next: unknown,
  expiry?: ExpiryRule,
): SetChange | RemoveChange | undefined {
  if (next !== undefined)
    return createSetChange(context, key, next, nextExpires(expiry, live), stampOf(live))
  return live && { key, remove: true }
}

/** Returns the entry, with a value of the current version, unless it has expired. */
export function ifLive(
  context: WriteContext,
  key: string,
  entry: Entry | undefined,
): Entry | undefined {
  if (entry === undefined || !isLive(entry, context.now())) return undefined
  return context.schema === undefined ? entry : context.schema.read(key, entry)
}

/** Converts an entry to what a store returns. A store without a version shows that of the entry. */
export function toRecord<V>({ schema }: WriteContext, entry: Entry): StoreRecord<V> {
  const { value, expires } = entry
  const version = schema?.version === undefined ? stampOf(entry) : 0
  return {
    value: value as V,
    ...(expires !== undefined && { expires }),
    ...(version > 0 && { version }),
  }
}

/**
 * Checks options and resolves them to the expiry that they give to an entry.
 *
 * @param names the names that the options may have
 * @returns `undefined` if the options give none
 * @throws StoreError `INVALID_VALUE`
 */
export function resolveExpiry(
  context: WriteContext,
  options: StepOptions | undefined,
  names: readonly string[],
): ExpiryRule | undefined {
  if (options === undefined) return undefined
  try {
    const checked: StepOptions & WriteOptions = checkOptions(options, names) ?? {}
    checkPositiveInteger('.version', checked.version)
    if (checked.version !== undefined && context.schema?.version !== undefined)
      throw invalidOption('.version', 'left out in a store that has one', checked.version)
    return readExpiry(context.now(), checked)
  } catch (error) {
    throw toStoreError(error, { namespace: context.namespace })
  }
}

function readExpiry(now: number, { ttl, expires, onInsert }: StepOptions): ExpiryRule | undefined {
  checkBoolean('.onInsert', onInsert)
  if (ttl !== undefined) {
    if (expires !== undefined) throw invalidOption('.expires', 'left out with ttl', expires)
    if (!Number.isFinite(ttl) || ttl <= 0)
      throw invalidOption('.ttl', 'a positive number of milliseconds', ttl)
    return { expires: now + ttl, onInsert }
  }
  if (expires === undefined) {
    if (onInsert === true) throw invalidOption('.onInsert', 'given with ttl or expires', onInsert)
    return undefined
  }
  if (expires === null) return { onInsert }
  if (Number.isFinite(expires)) return { expires, onInsert }
  throw invalidOption('.expires', 'a time in milliseconds since 1970, or null', expires)
}

/** Returns what the schema makes of a value. @throws StoreError `INVALID_VALUE` */
export function checkValue({ schema }: WriteContext, key: string, value: unknown): unknown {
  return schema === undefined ? value : schema.check(key, value)
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
