import { stringify, unflatten } from 'devalue'
import { StoreError } from '../errors.ts'
import { MAX_BIGINT_BITS } from './copy-value.ts'

/** What a persisted text begins with: the number of its format. */
export function formatHeader(format: number): string {
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
export function serialize(copied: unknown): string {
  return stringify(copied, { Error: reduceError })
}

/**
 * The value that a JSON text stands for, in time and room that are in proportion to the text,
 * whoever wrote it.
 *
 * @throws StoreError `CORRUPT`
 */
export function deserialize(text: string): unknown {
  try {
    const parts: unknown = JSON.parse(text)
    // A few numbers, such as -0, are written alone.
    if (typeof parts !== 'number') checkParts(parts)
    return unflatten(parts, { Error: reviveError })
  } catch (cause) {
    throw new StoreError('CORRUPT', 'The text is damaged: it does not stand for a value.', {
      cause,
    })
  }
}

const CLASSES = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]

// A digit stands for more than three bits.
const MAX_DIGITS = MAX_BIGINT_BITS / 3

/** Refuses what takes more than its own length to read, and what `toText` never writes. */
function checkParts(parts: unknown): asserts parts is unknown[] {
  if (!Array.isArray(parts)) throw new TypeError('no list')
  const viewed = new Set<unknown>()
  for (const part of parts as readonly unknown[]) {
    if (!Array.isArray(part)) continue
    const type: unknown = part[0]
    const of: unknown = part[1]
    if (typeof type !== 'string') continue
    if (type === 'BigInt' && !(typeof of === 'string' && of.length <= MAX_DIGITS))
      throw new TypeError('no such bigint')
    // What is not a reference would be read unchecked.
    if (type === 'Error' && typeof of !== 'number') throw new TypeError('no such error')
    // Views are copied with their buffers, and many could share one.
    if (/(?:Array|View)$/.test(type) && viewed.size === viewed.add(of).size)
      throw new TypeError('two views of one buffer')
  }
}

function reduceError(value: unknown): [string, string, ...unknown[]] | undefined {
  if (!(value instanceof Error)) return undefined
  const named: [string, string] = [value.name, value.message]
  return Object.hasOwn(value, 'cause') ? [...named, value.cause] : named
}

function reviveError(parts: unknown): Error {
  // Its parts are not copied to look at them: many errors could share a long list.
  if (!Array.isArray(parts) || parts.length > 3) throw new TypeError('no such error')
  const [name, message, cause]: unknown[] = parts
  const Class = CLASSES.find((each) => each.name === name)
  if (Class === undefined || typeof message !== 'string') throw new TypeError('no such error')
  return parts.length < 3 ? new Class(message) : new Class(message, { cause })
}
