import { StoreError } from '../../src/errors.ts'
import type { Entry } from '../../src/entry.ts'
import { decodeErrors, type EncodedError, encodeErrors } from './error-encoding.ts'

/** An entry as IndexedDB stores it. The names are short because every record repeats them. */
export interface StoredEntry {
  /** The value. */
  readonly v: unknown
  /** The version: `n`, because `v` is the value. */
  readonly n: string
  /** When the entry expires, in milliseconds since 1970. The expiry index reads it. */
  readonly x?: number
  /**
   * The encoded errors in `v`, where the browser cannot store errors. They are the same object
   * references as in `v`. Structured clone preserves that, so `decodeErrors` finds them by identity.
   */
  readonly e?: readonly EncodedError[]
}

/**
 * Converts an entry to the record that is stored.
 *
 * @param canCloneErrors whether the browser stores errors unchanged: see `canCloneErrors()`
 */
export function encodeEntry(
  { value, version, expires }: Entry,
  canCloneErrors: boolean,
): StoredEntry {
  const { value: v, encodedErrors: e } = canCloneErrors ? { value } : encodeErrors(value)
  const record: { -readonly [K in keyof StoredEntry]: StoredEntry[K] } = { v, n: version }
  // Without spreads of conditional parts, which are slow in a large write.
  if (expires !== undefined) record.x = expires
  if (e?.length) record.e = e
  return record
}

/**
 * Converts the record that is stored under `key` to an entry.
 *
 * @throws StoreError `CORRUPT` if the record was not written by botshelf
 */
export function decodeEntry(key: string, record: unknown): Entry {
  const { v, n: version, x: expires, e: encodedErrors } = (record ?? {}) as Partial<StoredEntry>
  if (typeof version !== 'string' || (expires !== undefined && typeof expires !== 'number')) {
    const message = 'This record was not created by botshelf. Delete or overwrite its key.'
    throw new StoreError('CORRUPT', message, { key })
  }
  const value = encodedErrors === undefined ? v : decodeErrors({ value: v, encodedErrors })
  return expires === undefined ? { value, version } : { value, version, expires }
}

/** Decodes `records`, the results of reading `keys`; a missing one is `undefined`. */
export function decodeEntries(
  keys: readonly string[],
  records: readonly unknown[],
): Map<string, Entry> {
  const found = new Map<string, Entry>()
  keys.forEach((key, index) => {
    const record = records[index]
    if (record !== undefined) found.set(key, decodeEntry(key, record))
  })
  return found
}
