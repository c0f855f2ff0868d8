import { StoreError } from './errors.ts'
import { cloneValue } from './value/copy-value.ts'
import { MAX_ENCODED_DEPTH } from './value/json-form.ts'
import { deserialize, serialize } from './value/serialize.ts'

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
  return serialize(cloneValue(value, MAX_ENCODED_DEPTH))
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
 * decode('2:["~0",7]') // [Date(0), 7]
 */
export function decode(text: string): unknown {
  const { value, isChecked } = deserialize(text, 'the text')
  if (isChecked) return value
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
