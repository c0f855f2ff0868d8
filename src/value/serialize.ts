import { stringify, unflatten } from 'devalue'
import { quote, StoreError } from '../errors.ts'
import { ERROR_CLASSES } from './built-in.ts'
import { MAX_BIGINT_BITS } from './copy-value.ts'
import { fromJsonForm, toJsonForm } from './json-form.ts'

// The two formats of a text, by its header. Text for devalue is for what JSON does not keep.
const DEVALUE = '1:'
const JSON_FORM = '2:'
const LAST_FORMAT = 2

/** Serializes a result of `copyValue` or `cloneValue` as text that begins with its format number. */
export function serialize(copied: unknown): string {
  const form = toJsonForm(copied)
  return form === undefined
    ? DEVALUE + stringify(copied, { Error: reduceError })
    : JSON_FORM + JSON.stringify(form)
}

/** A value that was read from text. */
export interface Deserialized {
  readonly value: unknown
  /** Whether the value can be stored. */
  readonly isChecked: boolean
}

/**
 * Parses text that {@link serialize} wrote. It is safe for untrusted text: time and memory are
 * proportional to its length. Unless the value is checked, the caller checks and copies it.
 *
 * @param what the text's name in error messages
 * @throws StoreError `VERSION_MISMATCH` for a later format, `CORRUPT` for anything else
 */
export function deserialize(text: string, what: string): Deserialized {
  // V8 13.6 finds a prefix much faster than it runs a regular expression.
  const isJson = typeof text === 'string' && text.startsWith(JSON_FORM)
  if (!isJson) checkHeader(text, what)
  try {
    const parsed: unknown = JSON.parse(text.slice(JSON_FORM.length))
    if (isJson) return { value: fromJsonForm(parsed), isChecked: true }
    // devalue writes a few numbers, such as -0, without a list.
    if (typeof parsed !== 'number') checkParts(parsed)
    return { value: unflatten(parsed, { Error: reviveError }), isChecked: false }
  } catch (cause) {
    throw new StoreError('CORRUPT', 'Cannot read the text: it is damaged. Restore a backup.', {
      cause,
    })
  }
}

/** Checks that a text begins with the number of devalue's format. */
function checkHeader(text: unknown, what: string): void {
  const format = typeof text === 'string' ? /^(\d{1,6}):/.exec(text)?.[1] : undefined
  if (format === undefined) {
    throw new StoreError(
      'CORRUPT',
      `Cannot read ${what}: it must begin with a format number; received ${quote(String(text).slice(0, 8))}. Restore a backup.`,
    )
  }
  if (format !== '1') {
    const code = Number(format) > LAST_FORMAT ? 'VERSION_MISMATCH' : 'CORRUPT'
    throw new StoreError(
      code,
      `Cannot read ${what}: it has format ${format}; this version reads the formats 1 and 2. Update botshelf.`,
    )
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
