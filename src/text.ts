import { parse, stringify } from 'devalue'
import { StoreError } from './errors.js'

/** What a persisted text begins with: the number of its format. */
export function header(format: number): string {
  return `${format}:`
}

/**
 * Checks the header of a persisted text and returns the rest.
 *
 * @throws StoreError `VERSION_MISMATCH` for a later format, `CORRUPT` for anything else
 */
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

/** A value that the core has copied, as JSON text. */
export function toText(copied: unknown): string {
  return stringify(copied, { Error: reduceError })
}

/** @throws StoreError `CORRUPT` */
export function fromText(text: string): unknown {
  try {
    return parse(text, { Error: reviveError })
  } catch (cause) {
    throw new StoreError('CORRUPT', 'The text is damaged: it does not stand for a value.', {
      cause,
    })
  }
}

const CLASSES = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]

function reduceError(value: unknown): [string, string, ...unknown[]] | undefined {
  if (!(value instanceof Error)) return undefined
  const named: [string, string] = [value.name, value.message]
  return Object.hasOwn(value, 'cause') ? [...named, value.cause] : named
}

function reviveError([name, message, ...cause]: unknown[]): Error {
  const Class = CLASSES.find((each) => each.name === name)
  if (Class === undefined || typeof message !== 'string') throw new TypeError('no such error')
  return cause.length === 0 ? new Class(message) : new Class(message, { cause: cause[0] })
}
