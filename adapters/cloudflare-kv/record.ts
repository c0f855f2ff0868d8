// The form in which KV stores an entry: `1:` (the format), then a list of value, version and
// expiry as text of `botshelf/codec`.
import { StoreError } from '../../src/errors.ts'
import type { Entry } from '../../src/storage.ts'
import { deserialize, formatHeader, readHeader, serialize } from '../../src/value/serialize.ts'

/** What a listing returns for a key. The names are short: KV allows 1,024 bytes. */
export interface Metadata {
  /** When the entry expires, in milliseconds since 1970. */
  readonly x?: number
  /** The whole record, if it fits. */
  readonly t?: string
}

const FORMAT = 1
const MAX_METADATA_BYTES = 1024

/** Creates the metadata of an entry whose record is `text`. */
export function metadataOf({ expires }: Entry, text: string): Metadata {
  const expiry: Metadata = expires === undefined ? {} : { x: expires }
  // The runtime sends metadata in a header, so it must be ASCII. In a record, other characters
  // occur in JSON strings only, where they may be escaped.
  const ascii = text.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const metadata: Metadata = { ...expiry, t: ascii }
  return JSON.stringify(metadata).length <= MAX_METADATA_BYTES ? metadata : expiry
}

export function writeRecord({ value, version, expires }: Entry): string {
  return (
    formatHeader(FORMAT) +
    serialize(expires === undefined ? [value, version] : [value, version, expires])
  )
}

/**
 * The inverse of {@link writeRecord}.
 *
 * @throws StoreError `CORRUPT`, or `VERSION_MISMATCH` for a later format
 */
export function readRecord(text: string): Entry {
  const record = deserialize(readHeader(text, FORMAT, 'the record in Workers KV'))
  if (!Array.isArray(record) || typeof record[1] !== 'string') {
    throw new StoreError(
      'CORRUPT',
      'The record in Workers KV is not one of botshelf. Delete the key, or restore a backup.',
    )
  }
  const [value, version, expires] = record as [value: unknown, version: string, expires?: number]
  return expires === undefined ? { value, version } : { value, version, expires }
}
