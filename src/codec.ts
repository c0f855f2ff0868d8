import { StoreError } from './errors.ts'
import { deserialize, formatHeader, readHeader, serialize } from './value/serialize.ts'
import { cloneValue, MAX_DEPTH } from './value/copy-value.ts'

const FORMAT = 1
// Room for what is put around a value that itself nests as deep as it may: an entry, a backup.
const DEPTH = MAX_DEPTH + 16

/**
 * A value as text, exactly: `decode(encode(value))` has the same types, holes, shared references
 * and cycles. The text is well-formed Unicode and begins with the number of its format.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what is outside the value domain
 */
export function encode(value: unknown): string {
  return formatHeader(FORMAT) + serialize(cloneValue(value, DEPTH))
}

/**
 * The value a text stands for, whoever wrote it: time and room are in proportion to the text. By
 * the measure of a store the value can be far larger, since what a text holds once can stand in
 * many places; a store holds it against its limit.
 *
 * @throws StoreError `VERSION_MISMATCH` if a later format wrote it, `CORRUPT` if it is no such text
 */
export function decode(text: string): unknown {
  const value = deserialize(readHeader(text, FORMAT, 'the text'))
  try {
    return cloneValue(value, DEPTH)
  } catch (cause) {
    throw new StoreError(
      'CORRUPT',
      'The text is damaged: what it stands for is outside the value domain.',
      { cause },
    )
  }
}
