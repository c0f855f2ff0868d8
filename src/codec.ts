import { StoreError } from './errors.js'
import { fromText, header, readHeader, toText } from './text.js'
import { copyValue } from './value.js'

const FORMAT = 1

/**
 * A value as text, exactly: `decode(encode(value))` has the same types, holes, shared references
 * and cycles. The text is well-formed Unicode and begins with the number of its format.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what is outside the value domain
 */
export function encode(value: unknown): string {
  return header(FORMAT) + toText(copyValue(value).value)
}

/**
 * The value a text stands for.
 *
 * @throws StoreError `VERSION_MISMATCH` if a later format wrote it, `CORRUPT` if it is no such text
 */
export function decode(text: string): unknown {
  const value = fromText(readHeader(text, FORMAT, 'the text'))
  try {
    return copyValue(value).value
  } catch (cause) {
    throw new StoreError(
      'CORRUPT',
      'The text is damaged: what it stands for is outside the value domain.',
      { cause },
    )
  }
}
