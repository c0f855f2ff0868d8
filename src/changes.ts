import { locate, quote, StoreError } from './errors.js'
import { isPlain, type SetOptions } from './given.js'
import { type Entry, isLive, type RemoveChange, type SetChange, type Traits } from './storage.js'
import { copyValue, utf8Bytes } from './value.js'

/** What a namespace's writer knows: where it writes, and the time. */
export interface Writer {
  readonly namespace: string
  readonly traits: Traits
  now(): number
  /** A version that no write ever had. */
  nextVersion(): string
}

/** Makes the changes of one namespace: values copied and checked, versions and expiries given. */
export class Changes {
  readonly #by: Writer

  constructor(by: Writer) {
    this.#by = by
  }

  set(key: string, value: unknown, expires: number | undefined): SetChange {
    const { value: copy, bytes } = this.copy(key, value)
    const version = this.#by.nextVersion()
    const entry =
      expires === undefined ? { value: copy, version } : { value: copy, version, expires }
    return { key, bytes, entry }
  }

  /**
   * What turns the entry as it was read into one with this value, `undefined` for none. It keeps
   * the expiry of the live entry.
   */
  replace(
    key: string,
    live: Entry | undefined,
    read: Entry | undefined,
    next: unknown,
  ): SetChange | RemoveChange | undefined {
    if (next !== undefined) return this.set(key, next, live?.expires)
    return read && { key, remove: true }
  }

  /** The entry if it is alive. */
  live(entry: Entry | undefined): Entry | undefined {
    return entry !== undefined && isLive(entry, this.#by.now()) ? entry : undefined
  }

  /** When something that is stored with these options expires. */
  expiry(options: SetOptions = {}): number | undefined {
    const { namespace } = this.#by
    if (!isPlain(options)) {
      throw new StoreError('INVALID_VALUE', 'Options must be a plain object.', { namespace })
    }
    const { ttl, expires } = options
    if (ttl === undefined && (expires === undefined || Number.isFinite(expires))) return expires
    if (expires === undefined && Number.isFinite(ttl) && Number(ttl) > 0) {
      return this.#by.now() + Number(ttl)
    }
    const [name, given] = ttl === undefined ? ['expires', expires] : ['ttl', ttl]
    throw new StoreError(
      'INVALID_VALUE',
      `options.${name} must be ${name === 'ttl' ? 'a positive number of milliseconds, without options.expires' : 'a time in milliseconds since 1970'}; it is ${typeof given === 'number' ? given : quote(given)}.`,
      { namespace },
    )
  }

  /** A checked copy of a value that is to go under a key, with the size of both. */
  copy(key: string, value: unknown): { value: unknown; bytes: number } {
    const { namespace, traits } = this.#by
    const bounded = traits.maxValueBytes < Number.POSITIVE_INFINITY
    try {
      return copyValue(value, traits.maxValueBytes, bounded ? utf8Bytes(key) : key.length)
    } catch (error) {
      throw locate(error, { namespace, key })
    }
  }
}
