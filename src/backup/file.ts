import { quote } from '../errors.ts'
import {
  type BackupEntry,
  InvalidInputError,
  formatEntry,
  parseEntry,
  type StoredValue,
} from './entry.ts'
import { byCodeUnit } from '../key.ts'
import type { Contents } from './target.ts'

const FILE_FORMAT = 1

/** The entries of a storage at the time of the backup. */
export interface Backup {
  /** When the backup was made, as ISO 8601. */
  readonly at: string
  /** The name of the storage that was read, such as `IndexedDB`. */
  readonly storage: string
  readonly contents: Contents
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

/**
 * Formats a backup as lines of JSON: a header, one line for each entry, and the number of entries.
 * Entries are sorted by namespace and key, so two backups can be compared line by line.
 */
export function formatBackup({ at, storage, contents }: Backup): string {
  const lines = [JSON.stringify({ botshelf: 'backup', format: FILE_FORMAT, at, storage })]
  for (const [namespace, entries] of sortByName(contents)) {
    for (const [key, stored] of sortByName(entries)) {
      lines.push(formatEntry({ namespace, key, ...stored }))
    }
  }
  lines.push(JSON.stringify({ entries: lines.length - 1 }))
  return `${lines.join('\n')}\n`
}

/**
 * Parses the bytes of a backup file and validates all of it. The lines may have been edited by hand.
 *
 * @param bytes UTF-8, with or without a byte order mark
 * @throws BackupError for the first mistake
 */
export function parseBackup(bytes: Uint8Array): Backup {
  const lines = [...decodeLines(bytes)]
  if (lines.at(-1) === '') lines.pop()
  const { at, storage } = parseHeader(lines[0] ?? '')
  const count = parseCount(lines)
  const contents = new Map<string, Map<string, StoredValue>>()
  for (const [index, text] of lines.slice(1, -1).entries()) {
    const line = index + 2
    const { namespace, key, ...stored } = parseLine(text, line)
    const entries = contents.get(namespace) ?? new Map<string, StoredValue>()
    contents.set(namespace, entries)
    if (entries.has(key)) {
      const name = `${JSON.stringify(namespace)}, ${JSON.stringify(key)}`
      throw new BackupError(line, `The entry ${name} is a duplicate; remove one of the two.`)
    }
    entries.set(key, stored)
  }
  const found = lines.length - 2
  if (count === found) return { at, storage, contents }
  throw new BackupError(
    lines.length,
    `The file has ${found} entries, but its last line says ${count}. Correct that line if you edited the file.`,
  )
}

function* decodeLines(bytes: Uint8Array): Generator<string, void, undefined> {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  let line = 0
  for (let from = 0; from <= bytes.length;) {
    line++
    const found = bytes.indexOf(0x0a, from)
    const to = found === -1 ? bytes.length : found
    try {
      yield utf8.decode(bytes.subarray(from, to))
    } catch {
      throw new BackupError(line, 'The line is not UTF-8 text.')
    }
    from = to + 1
  }
}

function parseHeader(text: string): { at: string; storage: string } {
  const { botshelf, format, at, storage } = parseObject(text) ?? {}
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
  if (isDate && typeof storage === 'string') return { at, storage }
  throw new BackupError(
    1,
    `The header needs "at" (an ISO 8601 date) and "storage" (a string); received ${quote(text)}.`,
  )
}

function parseCount(lines: readonly string[]): number {
  const last = lines.length > 1 ? parseObject(lines.at(-1) ?? '') : undefined
  const count = last?.['entries']
  if (last !== undefined && Object.keys(last).length === 1 && Number.isInteger(count)) {
    return count as number
  }
  throw new BackupError(
    lines.length,
    'The file is incomplete: its last line must be the number of entries, such as {"entries":3}.',
  )
}

function parseLine(text: string, line: number): BackupEntry {
  const given = parseObject(text)
  if (given === undefined) throw new BackupError(line, 'The line is not a JSON object.')
  try {
    return parseEntry(given)
  } catch (error) {
    if (error instanceof InvalidInputError) throw new BackupError(line, error.message)
    throw error
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

function sortByName<V>(map: ReadonlyMap<string, V>): [name: string, value: V][] {
  return [...map].toSorted(([a], [b]) => byCodeUnit(a, b))
}
