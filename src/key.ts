import { quote, StoreError } from './errors.ts'
import { utf8Bytes } from './value/copy-value.ts'

/**
 * Checks a key: a string without unpaired surrogates, of any other content; it may be empty.
 *
 * @param maxBytes the longest key, in bytes of UTF-8
 * @param name what the key is, for the error
 * @param namespace where the key is used, for the error
 * @throws StoreError `INVALID_KEY`
 */
export function checkKey(
  key: unknown,
  maxBytes: number,
  name = 'A key',
  namespace?: string,
): asserts key is string {
  // A Durable Object stores a key with an unpaired surrogate and never finds it again.
  if (typeof key !== 'string' || !key.isWellFormed())
    throw invalidKey(
      `${name} must be a string without unpaired surrogates; received ${quote(key)}.`,
      key,
      namespace,
    )
  // UTF-8 takes at most three bytes per UTF-16 code unit.
  const bytes = key.length * 3 > maxBytes ? utf8Bytes(key) : 0
  if (bytes > maxBytes)
    throw invalidKey(
      `${name} must be at most ${maxBytes} bytes of UTF-8; received ${bytes}: ${quote(key)}.`,
      key,
      namespace,
    )
}

/** Creates the error for a key, which may be no string. */
export function invalidKey(
  message: string,
  key: unknown,
  namespace: string | undefined,
): StoreError {
  const details = { namespace, key: typeof key === 'string' ? key : undefined }
  return new StoreError('INVALID_KEY', message, details)
}

/**
 * Checks a namespace: a non-empty string without unpaired surrogates, of any other content.
 *
 * @throws StoreError `INVALID_NAMESPACE`
 */
export function checkNamespace(namespace: unknown): asserts namespace is string {
  if (typeof namespace !== 'string' || namespace === '' || !namespace.isWellFormed()) {
    throw new StoreError(
      'INVALID_NAMESPACE',
      `A namespace must be a non-empty string without unpaired surrogates; received ${quote(namespace)}.`,
    )
  }
}

/**
 * Escapes the two separators of a physical key, so that prefixes and namespaces never collide, and
 * NUL, at which some backends end the prefix of a listing. All other text stays readable.
 */
export function escapeSeparators(text: string): string {
  return text.replace(/[%/:\0]/g, encodeURIComponent)
}

/** Reverses {@link escapeSeparators}. */
export function unescapeSeparators(text: string): string {
  return text.replace(/%(?:00|25|2F|3A)/g, decodeURIComponent)
}

/** Compares two strings by UTF-16 code units, the order of `<`. For `toSorted()`. */
export function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Compares two strings by byte of UTF-8, which is the order of their code points. */
export function compareUtf8(a: string, b: string): number {
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  const [unitA, unitB] = [a.charCodeAt(i), b.charCodeAt(i)]
  if (i === a.length || i === b.length) return a.length - b.length
  // A surrogate belongs to a code point above all others.
  return Number(isSurrogate(unitA)) - Number(isSurrogate(unitB)) || unitA - unitB
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
