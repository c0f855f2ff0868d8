import { type EntryName, InvalidInputError } from './entry.ts'

/** Encodes the position after an entry as letters, digits, `-` and `_`. */
export function encodeCursor({ namespace, key }: EntryName): string {
  return toBase64Url(new TextEncoder().encode(JSON.stringify([namespace, key])))
}

/**
 * Decodes a cursor into the name of the entry before its position.
 *
 * @throws InvalidInputError if {@link encodeCursor} did not return it
 */
export function decodeCursor(cursor: unknown): EntryName {
  try {
    if (typeof cursor !== 'string') throw new TypeError('A cursor is a string.')
    const bytes = fromBase64Url(cursor)
    const name: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    )
    if (!isNamePair(name)) throw new TypeError('A cursor is a namespace and a key.')
    const [namespace, key] = name
    // Base64 has several spellings of the same bytes; only one of them is a cursor.
    if (encodeCursor({ namespace, key }) !== cursor) throw new TypeError('It is not canonical.')
    return { namespace, key }
  } catch (cause) {
    throw new InvalidInputError(
      'The cursor is invalid: send the one that an earlier response returned.',
      {
        cause,
      },
    )
  }
}

function isNamePair(given: unknown): given is readonly [namespace: string, key: string] {
  if (!Array.isArray(given) || given.length !== 2) return false
  const [namespace, key] = given as unknown[]
  return typeof namespace === 'string' && namespace !== '' && typeof key === 'string'
}

/** Encodes bytes as base64url (RFC 4648) without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * Decodes base64url.
 *
 * @throws DOMException if it is not base64url
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
