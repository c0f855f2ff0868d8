import { parse, stringify } from 'devalue'
import { StoreError } from './errors.js'
import { copyValue } from './value.js'

/** The number every text of this codec begins with. */
const FORMAT = 1

/**
 * A value as text, exactly: `decode(encode(value))` has the same types, holes, shared references
 * and cycles. The text is well-formed Unicode, begins with the format's number and is safe to
 * keep as UTF-8.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what is outside the value domain
 */
export function encode(value: unknown): string {
  const { value: plain } = copyValue(value)
  return header(FORMAT) + stringify(plain, { Error: reduceError })
}

/**
 * The value a text stands for.
 *
 * @throws StoreError `VERSION_MISMATCH` if a newer format wrote it, `CORRUPT` if it is no such text
 */
export function decode(text: string): unknown {
  const body = readHeader(text, FORMAT, 'the text')
  try {
    return copyValue(parse(body, { Error: errorReviver() })).value
  } catch (cause) {
    throw new StoreError('CORRUPT', 'The text is damaged: it does not stand for a value.', {
      cause,
    })
  }
}

/** What a persisted text of this format begins with. */
export function header(format: number): string {
  return `${format}:`
}

/** Checks the header of a persisted text and returns the rest. */
export function readHeader(text: unknown, format: number, what: string): string {
  const found = typeof text === 'string' ? /^(\d{1,6}):/.exec(text) : null
  if (found === null || typeof text !== 'string') {
    throw new StoreError('CORRUPT', `Unreadable: ${what} does not begin with a format number.`)
  }
  if (Number(found[1]) !== format) {
    const code = Number(found[1]) > format ? 'VERSION_MISMATCH' : 'CORRUPT'
    throw new StoreError(
      code,
      `Unreadable: ${what} has format ${found[1]}; this version reads ${format}.`,
    )
  }
  return text.slice(found[0].length)
}

function reduceError(value: unknown): [string, string, ...unknown[]] | undefined {
  if (!(value instanceof Error)) return undefined
  const named: [string, string] = [value.name, value.message]
  return Object.hasOwn(value, 'cause') ? [...named, value.cause] : named
}

// A cycle through an error meets its parts while they are still being filled in, the name and
// the message first. The error is made then, and gets its cause when all parts are there.
function errorReviver(): (parts: unknown[]) => Error {
  const made = new Map<unknown[], Error>()
  return (parts) => {
    const [name, message] = parts
    let error = made.get(parts)
    if (error === undefined) {
      const Class =
        typeof name === 'string' ? CLASSES.find((each) => each.name === name) : undefined
      if (Class === undefined || typeof message !== 'string') throw new TypeError('no such error')
      made.set(parts, (error = new Class(message)))
    }
    if (2 in parts) error.cause = parts[2]
    return error
  }
}

const CLASSES = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]
