import { decode, encode, header, readHeader } from '../../src/codec.js'
import { StoreError } from '../../src/errors.js'
import type { Entry } from '../../src/storage.js'
import { utf8Bytes } from '../../src/value.js'

// Kept beside a value, and the only thing a listing shows of it. A whole record that fits is kept
// there too, so that listing entries needs no reads.
export interface Metadata {
  readonly x?: number
  readonly t?: string
}

const FORMAT = 1
const MAX_METADATA_BYTES = 1024

/** The metadata of an entry whose record is this text. */
export function metadataOf({ expires }: Entry, text: string): Metadata {
  const expiry: Metadata = expires === undefined ? {} : { x: expires }
  const whole: Metadata = { ...expiry, t: text }
  return fits(whole) ? whole : expiry
}

export function writeRecord({ value, version, expires }: Entry): string {
  return (
    header(FORMAT) + encode(expires === undefined ? [value, version] : [value, version, expires])
  )
}

export function readRecord(text: string): Entry {
  const record = decode(readHeader(text, FORMAT, 'the record in Workers KV'))
  if (!Array.isArray(record) || typeof record[1] !== 'string') {
    throw new StoreError('CORRUPT', 'Unreadable: the record in Workers KV holds no entry.')
  }
  const [value, version, expires] = record as [unknown, string, number?]
  return expires === undefined ? { value, version } : { value, version, expires }
}

function fits(metadata: Metadata): boolean {
  const text = JSON.stringify(metadata)
  return text.length <= MAX_METADATA_BYTES && utf8Bytes(text) <= MAX_METADATA_BYTES
}
