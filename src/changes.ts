import { toStoreError, quote, StoreError } from './errors.ts'
import { isPlain, type SetOptions } from './arguments.ts'
import { type Entry, isLive, type RemoveChange, type SetChange, type Traits } from './storage.ts'
import { copyValue, utf8Bytes } from './value/copy-value.ts'

/** What a namespace's writer knows: where it writes, and the time. */
export interface WriteContext {
  readonly namespace: string
  readonly traits: Traits
  now(): number
  /** A version that no write ever had. */
  nextVersion(): string
}

/**
 * What stores a checked copy of a value under a key.
 *
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function setChange(
  by: WriteContext,
  key: string,
  given: unknown,
  expires: number | undefined,
): SetChange {
  const { value, bytes } = copyFor(by, key, given)
  const version = by.nextVersion()
  return {
    key,
    bytes,
    entry: expires === undefined ? { value, version } : { value, version, expires },
  }
}

/**
 * What turns the entry as it was read into one with this value, `undefined` for none. It keeps the
 * expiry of the live entry.
 *
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function changeFor(
  by: WriteContext,
  key: string,
  live: Entry | undefined,
  read: Entry | undefined,
  next: unknown,
): SetChange | RemoveChange | undefined {
  if (next !== undefined) return setChange(by, key, next, live?.expires)
  return read && { key, remove: true }
}

/** The entry if it is alive. */
export function ifLive(by: WriteContext, entry: Entry | undefined): Entry | undefined {
  return entry && isLive(entry, by.now()) ? entry : undefined
}

/**
 * When something that is stored with these options expires.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function expiryOf(by: WriteContext, options: SetOptions | undefined): number | undefined {
  if (options === undefined) return undefined
  const { namespace } = by
  if (!isPlain(options)) {
    throw new StoreError('INVALID_VALUE', 'Options must be a plain object.', { namespace })
  }
  const { ttl, expires } = options
  if (ttl === undefined && (expires === undefined || Number.isFinite(expires))) return expires
  if (expires === undefined && Number.isFinite(ttl) && Number(ttl) > 0)
    return by.now() + Number(ttl)
  const [name, given, wanted] =
    ttl === undefined
      ? ['expires', expires, 'a time in milliseconds since 1970']
      : ['ttl', ttl, 'a positive number of milliseconds, without options.expires']
  throw new StoreError(
    'INVALID_VALUE',
    `options.${name} must be ${wanted}; it is ${typeof given === 'number' ? given : quote(given)}.`,
    { namespace },
  )
}

/**
 * A checked copy of a value that is to go under a key, with the size of both.
 *
 * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
 */
export function copyFor(
  { namespace, traits }: WriteContext,
  key: string,
  value: unknown,
): { value: unknown; bytes: number } {
  const bounded = traits.maxValueBytes < Number.POSITIVE_INFINITY
  try {
    return copyValue(value, traits.maxValueBytes, bounded ? utf8Bytes(key) : key.length)
  } catch (error) {
    throw toStoreError(error, { namespace, key })
  }
}
