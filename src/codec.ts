import { StoreError } from './errors.ts'
import { MAX_DEPTH } from './value/copy-context.ts'
import { cloneValue } from './value/copy-value.ts'
import { deserialize, formatHeader, readHeader, serialize } from './value/serialize.ts'

const FORMAT = 1
// Room for a wrapper, such as an entry or a backup, around a value of the maximum depth.
const MAX_ENCODED_DEPTH = MAX_DEPTH + 16

/**
 * Encodes a value as text. `decode(encode(value))` equals `value`: it keeps types, holes, shared
 * references and cycles. The text is well-formed Unicode and begins with its format number. A value
 * may nest 1,016 levels deep.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what cannot be stored
 *
 * @example
 * const text = encode(new Map([['ann', new Date(0)]]))
 * decode(text) // Map { 'ann' => Date(0) }
 */
export function encode(value: unknown): string {
  return formatHeader(FORMAT) + serialize(cloneValue(value, MAX_ENCODED_DEPTH))
}

/**
 * Decodes text that {@link encode} wrote. Untrusted text is safe: time and memory are proportional
 * to its length. The value may still be larger than a store accepts, since each reference to a
 * shared string counts there.
 *
 * @throws StoreError `VERSION_MISMATCH` if a later format wrote the text, `CORRUPT` if it is
 * damaged or was not encoded
 *
 * @example
 * decode('1:[["Date","1970-01-01T00:00:00.000Z"]]') // Date(0)
 */
export function decode(text: string): unknown {
  const value = deserialize(readHeader(text, FORMAT, 'the text'))
  try {
    return cloneValue(value, MAX_ENCODED_DEPTH)
  } catch (cause) {
    throw new StoreError(
      'CORRUPT',
      'Cannot read the text: it contains a value that cannot be stored. Restore a backup.',
      { cause },
    )
  }
}
