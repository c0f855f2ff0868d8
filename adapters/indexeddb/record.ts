import { StoreError } from '../../src/errors.ts'
import type { Entry } from '../../src/storage.ts'
import { encodeErrors, decodeErrors } from './error-encoding.ts'

/** An entry as it is stored. */
export interface EntryRecord {
  /** Its value. */
  readonly v: unknown
  /** Its version. */
  readonly n: string
  /** When it expires, in milliseconds since 1970. */
  readonly x?: number
  /** The objects in its value that stand for errors, where the browser would not keep those. */
  readonly e?: readonly object[]
}

/** @param keepsErrors whether the browser does */
export function writeRecord({ value, version, expires }: Entry, keepsErrors: boolean): EntryRecord {
  const { value: v, standIns: e } = keepsErrors ? { value } : encodeErrors(value)
  return { v, n: version, ...(expires !== undefined && { x: expires }), ...(e?.length && { e }) }
}

/** @throws StoreError `CORRUPT` if botshelf wrote no such record */
export function readRecord(key: string, record: unknown): Entry {
  const { v, n: version, x: expires, e } = (record ?? {}) as Partial<EntryRecord>
  if (typeof version !== 'string' || (expires !== undefined && typeof expires !== 'number')) {
    throw new StoreError('CORRUPT', 'What is stored here is not an entry of botshelf.', { key })
  }
  const value = e === undefined ? v : decodeErrors({ value: v, standIns: e })
  return expires === undefined ? { value, version } : { value, version, expires }
}

/** The entries among the records that were found under these keys. */
export function readRecords(
  keys: readonly string[],
  records: readonly unknown[],
): Map<string, Entry> {
  const found = new Map<string, Entry>()
  for (const [index, key] of keys.entries()) {
    const record = records[index]
    if (record !== undefined) found.set(key, readRecord(key, record))
  }
  return found
}
