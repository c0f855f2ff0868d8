// The text in which KV stores an entry is that of `encode([value, version, expires?])`.
import { StoreError, toStoreError } from '../../src/errors.ts'
import { createEntry, type Entry } from '../../src/entry.ts'
import { deserialize, serialize } from '../../src/value/serialize.ts'

/** What a listing returns for a key. The names are short: KV allows 1,024 bytes. */
export interface Metadata {
  /** When the entry expires, in milliseconds since 1970. */
  readonly x?: number
  /** The whole entry as text, if it fits. */
  readonly t?: string
}

const MAX_METADATA_BYTES = 1024

/** Creates the metadata of an entry that is stored as `text`. */
export function metadataOf({ expires }: Entry, text: string): Metadata {
  const expiry: Metadata = expires === undefined ? {} : { x: expires }
  // The runtime sends metadata in a header, so it must be ASCII. Other characters occur in
  // JSON strings only, where they may be escaped.
  const ascii = text.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const metadata: Metadata = { ...expiry, t: ascii }
  return JSON.stringify(metadata).length <= MAX_METADATA_BYTES ? metadata : expiry
}

/** Encodes an entry as the text that Workers KV stores. */
export function encodeEntry({ value, version, expires }: Entry): string {
  return serialize(expires === undefined ? [value, version] : [value, version, expires])
}

/**
 * Decodes the text that {@link encodeEntry} wrote.
 *
 * @throws StoreError `CORRUPT`, or `VERSION_MISMATCH` for a later format, with the key
 */
export function decodeEntry(key: string, text: string): Entry {
  try {
    const { value: fields } = deserialize(text, 'the text in Workers KV')
    if (!Array.isArray(fields) || typeof fields[1] !== 'string') {
      throw new StoreError(
        'CORRUPT',
        "The text in Workers KV is not botshelf's. Delete the key, or restore a backup.",
      )
    }
    const [value, version, expires] = fields as [value: unknown, version: string, expires?: number]
    return createEntry(value, version, expires)
  } catch (error) {
    throw toStoreError(error, { key })
  }
}
