import { deserialize, formatHeader, readHeader, serialize } from '../../src/value/serialize.ts'
import { StoreError } from '../../src/errors.ts'
import type { Entry } from '../../src/storage.ts'

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
  // The runtime sends metadata as a header. All that is not ASCII stands within JSON strings.
  const ascii = text.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const whole: Metadata = { ...expiry, t: ascii }
  return fits(whole) ? whole : expiry
}

export function writeRecord({ value, version, expires }: Entry): string {
  return (
    formatHeader(FORMAT) +
    serialize(expires === undefined ? [value, version] : [value, version, expires])
  )
}

export function readRecord(text: string): Entry {
  const record = deserialize(readHeader(text, FORMAT, 'the record in Workers KV'))
  if (!Array.isArray(record) || typeof record[1] !== 'string') {
    throw new StoreError('CORRUPT', 'Unreadable: the record in Workers KV holds no entry.')
  }
  const [value, version, expires] = record as [unknown, string, number?]
  return expires === undefined ? { value, version } : { value, version, expires }
}

function fits(metadata: Metadata): boolean {
  return JSON.stringify(metadata).length <= MAX_METADATA_BYTES
}
