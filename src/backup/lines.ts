import { quote } from '../errors.ts'
import { type BackupEntry, type EntryName, InvalidInputError, parseEntry } from './entry.ts'

const FILE_FORMAT = 1
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** The first line of a backup file. */
export interface BackupHeader {
  /** When the backup was made, as ISO 8601. */
  readonly at: string
  /** The name of the storage that was read, such as `IndexedDB`. */
  readonly storage: string
  /** The URL of the bot, if the command line made the file. */
  readonly url?: string | undefined
}

/** The last line of a backup file. */
export interface BackupFooter {
  /** The number of entries. */
  readonly entries: number
  /**
   * SHA-256 of the bytes of all lines before it, in hexadecimal. Files of earlier versions have none, and
   * files that were edited by hand may have none.
   */
  readonly sha256?: string | undefined
}

/** Thrown for a file that is not a valid backup. Its message names the line. */
export class BackupError extends Error {
  override readonly name: string = 'BackupError'
  /** The line with the mistake, from 1. */
  readonly line: number

  constructor(line: number, message: string) {
    super(`Line ${line}: ${message}`)
    this.line = line
  }
}

/** Formats the first line, without the line's end. */
export function formatHeader({ at, storage, url }: BackupHeader): string {
  return JSON.stringify({ botshelf: 'backup', format: FILE_FORMAT, at, storage, url })
}

/** Formats the last line, without the line's end. */
export function formatFooter({ entries, sha256 }: BackupFooter): string {
  return JSON.stringify({ entries, sha256 })
}

/**
 * Parses the first line.
 *
 * @throws BackupError if it is not the header of a backup that this version reads
 */
export function parseHeader(text: string): BackupHeader {
  const { botshelf, format, at, storage, url } = parseObject(text) ?? {}
  if (botshelf === 'backup' && typeof format === 'number' && format > FILE_FORMAT) {
    throw new BackupError(
      1,
      `The backup was written by a later version: its format is ${format}, this version reads ${FILE_FORMAT}.`,
    )
  }
  if (botshelf !== 'backup' || format !== FILE_FORMAT) {
    throw new BackupError(1, 'This is not a backup of botshelf.')
  }
  const isDate = typeof at === 'string' && !Number.isNaN(Date.parse(at))
  if (isDate && typeof storage === 'string') {
    return { at, storage, ...(typeof url === 'string' && { url }) }
  }
  throw new BackupError(
    1,
    `The header needs "at" (an ISO 8601 date) and "storage" (a string); received ${quote(text)}.`,
  )
}

/** Parses the last line; `undefined` for any other text. */
export function parseFooter(text: string): BackupFooter | undefined {
  const { entries, sha256, ...others } = parseObject(text) ?? {}
  if (!Number.isSafeInteger(entries) || Object.keys(others).length > 0) return undefined
  if (sha256 !== undefined && typeof sha256 !== 'string') return undefined
  return { entries: entries as number, ...(sha256 !== undefined && { sha256 }) }
}

/** Creates the error for a file whose last line is not its footer. */
export function createIncompleteError(line: number): BackupError {
  return new BackupError(
    line,
    'The file is incomplete: its last line must be the number of entries, such as {"entries":3}.',
  )
}

/**
 * Compares the last line with the lines before it.
 *
 * @throws BackupError
 */
export function checkFooter(
  { entries, sha256 }: BackupFooter,
  found: BackupFooter & { readonly line: number },
): void {
  if (entries !== found.entries) {
    throw new BackupError(
      found.line,
      `The file has ${found.entries} entries, but its last line says ${entries}. Correct that line if you edited the file.`,
    )
  }
  if (sha256 === undefined || found.sha256 === undefined || sha256 === found.sha256) return
  throw new BackupError(
    found.line,
    'The file was altered: its lines do not have the "sha256" of the last line. If you edited the file, remove "sha256" from that line.',
  )
}

/**
 * Parses the line of an entry.
 *
 * @throws BackupError
 */
export function parseEntryLine(text: string, line: number): BackupEntry {
  const given = parseObject(text)
  if (given === undefined) throw new BackupError(line, 'The line is not a JSON object.')
  try {
    return parseEntry(given)
  } catch (error) {
    if (error instanceof InvalidInputError) throw new BackupError(line, error.message)
    throw error
  }
}

/** Creates the error for an entry that is in the file twice. */
export function createDuplicateError(line: number, { namespace, key }: EntryName): BackupError {
  const name = `${JSON.stringify(namespace)}, ${JSON.stringify(key)}`
  return new BackupError(line, `The entry ${name} is a duplicate; remove one of the two.`)
}

/**
 * Decodes the bytes of a line, without a byte order mark.
 *
 * @throws BackupError if it is not UTF-8
 */
export function decodeLine(bytes: Uint8Array, line: number): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new BackupError(line, 'The line is not UTF-8 text.')
  }
}

/** Parses JSON of an object; `undefined` for any other text. */
function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const given: unknown = JSON.parse(text)
    const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
    return isObject ? (given as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
