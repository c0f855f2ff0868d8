import { StoreError } from './errors.js'
import { fromText, header, readHeader, toText } from './text.js'
import { copyValue, MAX_DEPTH } from './value.js'

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
  return header(FORMAT) + toText(copy(value))
}

/**
 * The value a text stands for.
 *
 * @throws StoreError `VERSION_MISMATCH` if a later format wrote it, `CORRUPT` if it is no such text
 */
export function decode(text: string): unknown {
  const value = fromText(readHeader(text, FORMAT, 'the text'))
  try {
    return copy(value)
  } catch (cause) {
    throw new StoreError(
      'CORRUPT',
      'The text is damaged: what it stands for is outside the value domain.',
      { cause },
    )
  }
}

function copy(value: unknown): unknown {
  return copyValue(value, undefined, undefined, DEPTH).value
}
