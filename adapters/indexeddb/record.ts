import { StoreError } from '../../src/errors.js'
import type { Entry } from '../../src/storage.js'

/** An entry as it is stored: value, version, and when it expires in milliseconds since 1970. */
export interface EntryRecord {
  readonly v: unknown
  readonly n: string
  readonly x?: number
}

export function writeRecord({ value, version, expires }: Entry): EntryRecord {
  return expires === undefined ? { v: value, n: version } : { v: value, n: version, x: expires }
}

/** @throws StoreError `CORRUPT` if botshelf wrote no such record */
export function readRecord(key: string, record: unknown): Entry {
  const { v: value, n: version, x: expires } = (record ?? {}) as Partial<EntryRecord>
  if (typeof version !== 'string' || (expires !== undefined && typeof expires !== 'number')) {
    throw new StoreError('CORRUPT', 'What is stored here is not an entry of botshelf.', { key })
  }
  return expires === undefined ? { value, version } : { value, version, expires }
}
