import { isPlainObject, type SetOptions } from './arguments.ts'
import { quote, StoreError, toStoreError } from './errors.ts'
import {
  createEntry,
  type Entry,
  isLive,
  type RemoveChange,
  type SetChange,
  type Traits,
} from './storage.ts'
import { copyValue, type MeasuredCopy, utf8Bytes } from './value/copy-value.ts'

/** What is needed to turn a value into a change of one namespace. */
export interface WriteContext {
  readonly namespace: string
  readonly traits: Traits
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
 * Creates the change that makes `next` the value of a key; `undefined` removes the key. The expiry
 * stays that of the live entry.
 *
 * @param live the entry of the key, unless it has expired
 * @param stored the entry of the key, expired or not
 * @returns `undefined` if there is nothing to change
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function changeFor(
  context: WriteContext,
  key: string,
  live: Entry | undefined,
  stored: Entry | undefined,
  next: unknown,
): SetChange | RemoveChange | undefined {
  if (next !== undefined) return createSetChange(context, key, next, live?.expires)
  return stored && { key, remove: true }
}

/** Returns the entry unless it has expired. */
export function ifLive(context: WriteContext, entry: Entry | undefined): Entry | undefined {
  return entry && isLive(entry, context.now()) ? entry : undefined
}

/**
 * Resolves options to a time of expiry, in milliseconds since 1970; `undefined`: never.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function resolveExpiry(
  context: WriteContext,
  options: SetOptions | undefined,
): number | undefined {
  if (options === undefined) return undefined
  if (!isPlainObject(options)) throw invalidOptions(context, '', 'a plain object', options)
  const { ttl, expires } = options
  if (ttl === undefined) {
    if (expires === undefined || Number.isFinite(expires)) return expires
    throw invalidOptions(context, '.expires', 'a time in milliseconds since 1970', expires)
  }
  if (expires !== undefined) throw invalidOptions(context, '.expires', 'left out with ttl', expires)
  if (Number.isFinite(ttl) && ttl > 0) return context.now() + ttl
  throw invalidOptions(context, '.ttl', 'a positive number of milliseconds', ttl)
}

function invalidOptions(
  { namespace }: WriteContext,
  path: string,
  expected: string,
  received: unknown,
): StoreError {
  return new StoreError(
    'INVALID_VALUE',
    `options${path} must be ${expected}; received ${quote(received)}.`,
    { namespace },
  )
}

/**
 * Checks, copies and measures a value together with its key.
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
