import { StoreError } from '../../src/errors.ts'
import type { Entry } from '../../src/storage.ts'
import { decodeErrors, encodeErrors } from './error-encoding.ts'

/** An entry as IndexedDB stores it. The names are short because every record repeats them. */
export interface StoredEntry {
  /** The value. */
  readonly v: unknown
  /** The version. */
  readonly n: string
  /** When the entry expires, in milliseconds since 1970. The expiry index reads it. */
  readonly x?: number
  /** The objects in `v` that encode errors, where the browser cannot store errors. */
  readonly e?: readonly object[]
}

/** @param canStoreErrors whether the browser stores errors unchanged: see `canCloneErrors` */
export function encodeEntry(
  { value, version, expires }: Entry,
  canStoreErrors: boolean,
): StoredEntry {
  const { value: v, errors: e } = canStoreErrors ? { value } : encodeErrors(value)
  return { v, n: version, ...(expires !== undefined && { x: expires }), ...(e?.length && { e }) }
}

/** @throws StoreError `CORRUPT` if the record was not written by botshelf */
export function decodeEntry(key: string, record: unknown): Entry {
  const { v, n: version, x: expires, e: errors } = (record ?? {}) as Partial<StoredEntry>
  if (typeof version !== 'string' || (expires !== undefined && typeof expires !== 'number')) {
    const message = 'This record was not created by botshelf. Delete or overwrite its key.'
    throw new StoreError('CORRUPT', message, { key })
  }
  const value = errors === undefined ? v : decodeErrors({ value: v, errors })
  return expires === undefined ? { value, version } : { value, version, expires }
}

/** Decodes `records`, the results of reading `keys`; a missing one is `undefined`. */
export function decodeEntries(
  keys: readonly string[],
  records: readonly unknown[],
): Map<string, Entry> {
  const found = new Map<string, Entry>()
  for (const [index, key] of keys.entries()) {
    const record = records[index]
    if (record !== undefined) found.set(key, decodeEntry(key, record))
  }
  return found
}
