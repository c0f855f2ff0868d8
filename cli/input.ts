import { type JSONVisitor, visit as visitJson } from 'jsonc-parser'
import { MAX_ENTRY_BYTES } from '../src/admin/http.ts'
import { assertPlainJson, NotPlainError } from '../src/admin/plain-json.ts'
import { jsonBytes } from '../src/backup/chunks.ts'
import {
  type BackupEntry,
  InvalidInputError,
  parseEncodedValue,
  parseName,
} from '../src/backup/entry.ts'
import { encode } from '../src/codec.ts'
import { isStoreError, quote } from '../src/errors.ts'
import { cloneValue } from '../src/value/copy-value.ts'
import { CliError, EXIT } from './errors.ts'
import { type CommandIo, readText } from './io.ts'
import type { ValueFormOptions } from './values.ts'

/** Where a command reads values from. */
export interface InputOptions extends ValueFormOptions {
  /** A file instead of standard input. */
  readonly input?: string | undefined
}

/** Reads the text of a file, or of standard input. */
export async function readInput({ input = '-' }: InputOptions, io: CommandIo): Promise<string> {
  if (input === '-' && io.stdin.isTTY) {
    io.stderr.write('Type JSON, then Ctrl-D on a line of its own.\n')
  }
  return readText(input, io)
}

/**
 * Parses an object with a value for each key, and validates every entry.
 *
 * @throws CliError for the first mistake, with its line and column or its key
 */
export function parseEntries(
  text: string,
  namespace: string,
  options: ValueFormOptions,
): readonly BackupEntry[] {
  const given = parseJson(text)
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new CliError(
      EXIT.input,
      `The input must be a JSON object with a value for each key, such as {"ann": 7}; received ${quote(given)}.`,
    )
  }
  return Object.entries(given).map(([key, value]) => {
    if (!options.encoded) return toEntry({ namespace, key }, () => encodePlain(value))
    return toEntry({ namespace, key }, () => parseEncodedValue(value))
  })
}

/**
 * Parses the value of one key: JSON, or the encoded text as it is.
 *
 * @throws CliError for a mistake
 */
export function parseValue(
  text: string,
  name: Pick<BackupEntry, 'namespace' | 'key'>,
  { encoded = false }: ValueFormOptions,
): BackupEntry {
  if (encoded) return toEntry(name, () => parseEncodedValue(text.trim()))
  const value = parseJson(text)
  return toEntry(name, () => encodePlain(value))
}

function toEntry(
  { namespace, key }: Pick<BackupEntry, 'namespace' | 'key'>,
  encodeValue: () => string,
): BackupEntry {
  try {
    const entry = { ...parseName({ namespace, key }), value: encodeValue() }
    const bytes = jsonBytes(entry)
    if (bytes <= MAX_ENTRY_BYTES) return entry
    throw new InvalidInputError(
      `it is too large: it has ${bytes} bytes, at most ${MAX_ENTRY_BYTES} fit`,
    )
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    const sentence = error.message.replace(/\.?$/, '.')
    throw new CliError(EXIT.input, `The entry ${quote(key)}: ${sentence}`, { cause: error })
  }
}

/** @throws InvalidInputError for a value that no store takes or that JSON cannot hold */
function encodePlain(value: unknown): string {
  try {
    // First, because it ends at the deepest level that can be stored.
    const copied = cloneValue(value)
    // JSON.parse returns values that JSON cannot hold: it reads 1e400 as Infinity.
    assertPlainJson(value)
    return encode(copied)
  } catch (error) {
    if (error instanceof NotPlainError || isStoreError(error)) {
      throw new InvalidInputError(error.message)
    }
    throw error
  }
}

/**
 * Parses JSON. An object with the same key twice is refused, and an integer that would lose digits.
 *
 * @throws CliError with the line and the column
 */
export function parseJson(text: string): unknown {
  if (text.trim() === '') {
    throw new CliError(EXIT.input, 'The input is empty; it must be JSON.')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CliError(EXIT.input, findSyntaxError(text), { cause })
  }
  const keys: Set<string>[] = []
  visit(text, {
    onObjectBegin: () => void keys.push(new Set()),
    onObjectEnd: () => void keys.pop(),
    onObjectProperty(name, _offset, _length, line, column) {
      const known = keys.at(-1)
      if (known?.has(name)) {
        throw new CliError(
          EXIT.input,
          `Line ${line + 1}, column ${column + 1}: the key ${quote(name)} is a duplicate; remove one of the two.`,
        )
      }
      known?.add(name)
    },
    onLiteralValue(literal, offset, length, line, column) {
      const digits = text.slice(offset, offset + length)
      if (typeof literal !== 'number' || keepsDigits(literal, digits)) return
      const problem = Number.isFinite(literal) ? 'would lose digits' : 'is too large'
      throw new CliError(
        EXIT.input,
        `Line ${line + 1}, column ${column + 1}: the number ${quote(digits).slice(1, -1)} ${problem}. Write it as a string, or as a bigint with --encoded.`,
      )
    },
  })
  return value
}

/** Whether a number is what its digits say; of a fraction, JavaScript keeps the nearest number. */
function keepsDigits(number: number, digits: string): boolean {
  if (!Number.isFinite(number)) return false
  if (!/^-?\d+$/.test(digits) || Number.isSafeInteger(number)) return true
  // The second one is how JavaScript writes it.
  return BigInt(number) === BigInt(digits) || String(number) === digits
}

/** Finds where the text stops being JSON. */
function findSyntaxError(text: string): string {
  let found: string | undefined
  visit(text, {
    onError(_code, offset, _length, line, column) {
      const hint = offset === 0 ? ` A text needs double quotes, in a shell: '"text"'.` : ''
      found ??= `Line ${line + 1}, column ${column + 1}: the input is not JSON here.${hint}`
    },
  })
  return found ?? 'The input is not JSON.'
}

/** Visits JSON, also if it nests deeper than the call stack: then only its start. */
function visit(text: string, visitor: JSONVisitor): void {
  try {
    visitJson(text, visitor, { disallowComments: true, allowTrailingComma: false })
  } catch (error) {
    // A value that deep is refused later.
    if (!(error instanceof RangeError)) throw error
  }
}
