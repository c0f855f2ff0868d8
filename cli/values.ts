import { inspect } from 'node:util'
import { assertPlainJson, NotPlainError } from '../src/admin/plain-json.ts'
import type { StoredValue } from '../src/backup/entry.ts'
import { decode } from '../src/codec.ts'
import { quote } from '../src/errors.ts'
import { isLive } from '../src/index.ts'
import { CliError, EXIT } from './errors.ts'
import { escapeControls, toJsonText } from './text.ts'

const INSPECT = {
  depth: 20,
  breakLength: Number.POSITIVE_INFINITY,
  compact: true,
  maxArrayLength: 1_000,
  maxStringLength: 10_000,
} as const

/** The most characters of a value in a listing. */
const SHORT_LENGTH = 80

/** Formats a stored value for people, with its expiry. */
export function formatStored(stored: StoredValue): string {
  return `${formatValue(stored)}${formatExpiry(stored)}`
}

/** Formats the start of a stored value for people, with its expiry. */
export function formatShort(stored: StoredValue): string {
  const text = formatValue(stored)
  const start = text.slice(0, SHORT_LENGTH - 1).replace(/[\ud800-\udbff]$/, '')
  return `${text.length > SHORT_LENGTH ? `${start}…` : text}${formatExpiry(stored)}`
}

/** Formats a value on one line: as JSON if JSON can hold it, otherwise in the notation of JavaScript. */
function formatValue(stored: StoredValue): string {
  const value = decode(stored.value)
  return isPlainJson(value) ? toJsonText(value) : escapeControls(inspect(value, INSPECT))
}

function isPlainJson(value: unknown): boolean {
  try {
    assertPlainJson(value)
    return true
  } catch (error) {
    if (error instanceof NotPlainError) return false
    throw error
  }
}

function formatExpiry(stored: StoredValue): string {
  const { expires } = stored
  if (expires === undefined) return ''
  const verb = isLive(stored, Date.now()) ? 'expires' : 'expired'
  return `  (${verb} ${new Date(expires).toISOString()})`
}

/** The forms in which values are read and printed by programs. */
export interface ValueFormOptions {
  /** Values are strings that `botshelf/codec` encoded, instead of plain JSON. */
  readonly encoded?: boolean | undefined
}

/**
 * Returns a stored value for JSON output.
 *
 * @throws CliError if JSON cannot hold it
 */
export function toJsonValue(
  key: string,
  { value }: StoredValue,
  { encoded = false }: ValueFormOptions,
): unknown {
  if (encoded) return value
  const decoded = decode(value)
  try {
    assertPlainJson(decoded)
    return decoded
  } catch (error) {
    if (!(error instanceof NotPlainError)) throw error
    throw new CliError(
      EXIT.input,
      `JSON cannot hold the value of ${quote(key)}: ${error.message}. Use --encoded, which keeps every value.`,
      { cause: error },
    )
  }
}

/** Returns a stored value as `value` if JSON can hold it, otherwise as `encoded`. */
export function toJsonField({ value }: StoredValue): { value: unknown } | { encoded: string } {
  const decoded = decode(value)
  return isPlainJson(decoded) ? { value: decoded } : { encoded: value }
}
