import { fromBase64Url, toBase64Url } from './base64url.ts'
import { type EntryName, EntryError } from './entry.ts'

/** A place between entries, as text: behind the entry of this name. It holds letters, digits, `-` and `_`. */
export function writeCursor({ namespace, key }: EntryName): string {
  return toBase64Url(new TextEncoder().encode(JSON.stringify([namespace, key])))
}

/**
 * The name behind which a cursor stands.
 *
 * @throws EntryError if it is none that {@link writeCursor} could have written
 */
export function readCursor(cursor: unknown): EntryName {
  try {
    if (typeof cursor !== 'string') throw new TypeError('It is no text.')
    const bytes = fromBase64Url(cursor)
    const name: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    )
    if (!Array.isArray(name) || name.length !== 2) throw new TypeError('It names no entry.')
    const [namespace, key] = name as unknown[]
    if (typeof namespace !== 'string' || typeof key !== 'string' || namespace === '') {
      throw new TypeError('It names no entry.')
    }
    if (writeCursor({ namespace, key }) !== cursor) throw new TypeError('It is written otherwise.')
    return { namespace, key }
  } catch (cause) {
    throw new EntryError('The cursor is none that was given here.', { cause })
  }
}
