import { checkBoolean, checkOptions, invalidOption, type StepOptions } from './arguments.ts'
import { toStoreError } from './errors.ts'
import { type ExpiryRule, nextExpires } from './step.ts'
import {
  createEntry,
  type Entry,
  isLive,
  type RemoveChange,
  type SetChange,
  type Traits,
} from './storage.ts'
import { copyValue, type MeasuredCopy, utf8Bytes } from './value/copy-value.ts'

/** Checks the values of a store, and converts those of an earlier version. */
export interface ValueSchema {
  /** Returns the value to store. @throws StoreError `INVALID_VALUE` */
  check(value: unknown): unknown
  /** Returns the entry with a value of the current version. @throws StoreError `VERSION_MISMATCH` */
  migrate(entry: Entry): Entry
}

/** What is needed to turn a value into a change of one namespace. */
export interface WriteContext {
  readonly namespace: string
  readonly traits: Traits
  readonly schema?: ValueSchema | undefined
  /** The runtime's clock, in milliseconds since 1970. */
  now(): number
  /** Returns a version that no other write has, in any process. */
  nextVersion(): string
}

/**
 * Creates the change that stores a checked copy of a value.
 *
 * @param expires in milliseconds since 1970; `undefined`: never
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function createSetChange(
  context: WriteContext,
  key: string,
  newValue: unknown,
  expires: number | undefined,
): SetChange {
  const { value, bytes } = copyForKey(context, key, newValue)
  return { key, bytes, entry: createEntry(value, context.nextVersion(), expires) }
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
  if (next !== undefined) return createSetChange(context, key, next, nextExpires(expiry, live))
  return live && { key, remove: true }
}

/** Returns the entry, with a value of the current version, unless it has expired. */
export function ifLive(context: WriteContext, entry: Entry | undefined): Entry | undefined {
  if (entry === undefined || !isLive(entry, context.now())) return undefined
  return context.schema === undefined ? entry : context.schema.migrate(entry)
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
    return readExpiry(context.now(), checkOptions(options, names) ?? {})
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

/**
 * Checks, copies and measures a value together with its key.
 *
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function copyForKey(
  { namespace, traits: { maxValueBytes }, schema }: WriteContext,
  key: string,
  value: unknown,
): MeasuredCopy {
  // Without a limit the exact size is not needed.
  const keyBytes = maxValueBytes < Infinity ? utf8Bytes(key) : key.length
  try {
    const checked = schema === undefined ? value : schema.check(value)
    return copyValue(checked, { maxBytes: maxValueBytes, keyBytes })
  } catch (error) {
    throw toStoreError(error, { namespace, key })
  }
}
