import { stringify, unflatten } from 'devalue'
import { quote, StoreError } from '../errors.ts'
import { ERROR_CLASSES } from './built-in.ts'
import { MAX_BIGINT_BITS } from './copy-value.ts'

/** Returns the header of a persisted text: its format number and a colon. */
export function formatHeader(format: number): string {
  return `${format}:`
}

/**
 * Checks the header of a persisted text and returns the rest.
 *
 * @param what the text's name in error messages
 * @throws StoreError `VERSION_MISMATCH` for a later format, `CORRUPT` for anything else
 */
export function readHeader(text: unknown, format: number, what: string): string {
  const found = typeof text === 'string' ? /^(\d{1,6}):/.exec(text) : null
  if (found === null || typeof text !== 'string') {
    throw new StoreError(
      'CORRUPT',
      `Cannot read ${what}: it must begin with a format number; received ${quote(String(text).slice(0, 8))}. Restore a backup.`,
    )
  }
  if (Number(found[1]) !== format) {
    const code = Number(found[1]) > format ? 'VERSION_MISMATCH' : 'CORRUPT'
    throw new StoreError(
      code,
      `Cannot read ${what}: it has format ${found[1]}; this version reads format ${format}. Update botshelf.`,
    )
  }
  return text.slice(found[0].length)
}

/** Serializes a result of `copyValue` or `cloneValue` as JSON text. */
export function serialize(copied: unknown): string {
  return stringify(copied, { Error: reduceError })
}

/**
 * Parses text that {@link serialize} wrote. It is safe for untrusted text: time and memory are
 * proportional to its length. The caller checks and copies the result.
 *
 * @throws StoreError `CORRUPT`
 */
export function deserialize(text: string): unknown {
  try {
    const parts: unknown = JSON.parse(text)
    // devalue writes a few numbers, such as -0, without a list.
    if (typeof parts !== 'number') checkParts(parts)
    return unflatten(parts, { Error: reviveError })
  } catch (cause) {
    throw new StoreError('CORRUPT', 'Cannot read the text: it is damaged. Restore a backup.', {
      cause,
    })
  }
}

// A decimal digit encodes more than three bits.
const MAX_BIGINT_DIGITS = MAX_BIGINT_BITS / 3

/** Rejects parts that take more than linear time to revive and that `serialize` never writes. */
function checkParts(parts: unknown): asserts parts is unknown[] {
  if (!Array.isArray(parts)) throw new TypeError('not a list')
  const viewedBuffers = new Set<unknown>()
  for (const part of parts as readonly unknown[]) {
    if (!Array.isArray(part)) continue
    const [type, content]: unknown[] = part
    if (typeof type !== 'string') continue
    if (type === 'BigInt' && !(typeof content === 'string' && content.length <= MAX_BIGINT_DIGITS))
      throw new TypeError('not a bigint')
    // devalue also accepts a nested part in place of an index. This loop would not check that part.
    if (type === 'Error' && typeof content !== 'number') throw new TypeError('not an error')
    // Copying a view copies its buffer, and any number of views could share one.
    if (/(?:Array|View)$/.test(type)) {
      if (viewedBuffers.has(content)) throw new TypeError('two views of one buffer')
      viewedBuffers.add(content)
    }
  }
}

type SerializedError = [name: string, message: string, cause?: unknown]

function reduceError(value: unknown): SerializedError | undefined {
  if (!(value instanceof Error)) return undefined
  const { name, message } = value
  return Object.hasOwn(value, 'cause') ? [name, message, value.cause] : [name, message]
}

function reviveError(parts: unknown): Error {
  // Check the length before destructuring: many errors could share one long list.
  if (!Array.isArray(parts) || parts.length > 3) throw new TypeError('not an error')
  const [name, message, cause]: unknown[] = parts
  if (
    typeof name !== 'string' ||
    typeof message !== 'string' ||
    !Object.hasOwn(ERROR_CLASSES, name)
  )
    throw new TypeError('not an error')
  const ErrorClass = ERROR_CLASSES[name] as ErrorConstructor
  return parts.length < 3 ? new ErrorClass(message) : new ErrorClass(message, { cause })
}
