import { quote, StoreError } from './errors.ts'
import { utf8Bytes } from './value/copy-value.ts'

/**
 * A key is a well-formed string of any content, the empty one included.
 *
 * @throws StoreError `INVALID_KEY`
 */
export function checkKey(key: unknown, maxBytes: number): asserts key is string {
  if (typeof key !== 'string')
    throw invalid(`A key must be a string; this is ${key === null ? 'null' : `a ${typeof key}`}.`)
  // Durable Objects store a key with an unpaired surrogate and never find it again.
  if (!key.isWellFormed()) throw invalid(`The key ${quote(key)} holds an unpaired surrogate.`, key)
  // No character takes more than three bytes of UTF-8 for each of its UTF-16 units.
  const bytes = key.length * 3 > maxBytes ? utf8Bytes(key) : 0
  if (bytes > maxBytes)
    throw invalid(`The key ${quote(key)} takes ${bytes} bytes; at most ${maxBytes} fit here.`, key)
}

function invalid(message: string, key?: string): StoreError {
  return new StoreError('INVALID_KEY', message, { key })
}

/**
 * A namespace is a non-empty well-formed string of any content.
 *
 * @throws StoreError `INVALID_NAMESPACE`
 */
export function checkNamespace(namespace: unknown): asserts namespace is string {
  if (typeof namespace !== 'string' || namespace === '' || !namespace.isWellFormed()) {
    throw new StoreError(
      'INVALID_NAMESPACE',
      `A namespace must be a non-empty string without unpaired surrogates; this is ${quote(namespace)}.`,
    )
  }
}

/**
 * Escapes the two separators of a physical key, so that no prefix or namespace can reach into
 * another, and NUL, at which some listings end a prefix; everything else is left readable.
 */
export function escapeSeparators(text: string): string {
  return text.replace(/[%/:]/g, encodeURIComponent).replaceAll('\0', '%00')
}

/** The inverse of {@link escapeSeparators}. */
export function unescapeSeparators(text: string): string {
  return text.replace(/%(?:00|25|2F|3A)/g, decodeURIComponent)
}
