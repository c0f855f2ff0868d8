import { byCodeUnit } from './by-code-unit.ts'
import { type BackupEntry, EntryError, entryLine, readEntry, type StoredText } from './entry.ts'
import type { Contents } from './target.ts'

const FORMAT = 1

/** Everything that a bot knew at some time. */
export interface Backup {
  /** When it was made, as ISO 8601. */
  readonly at: string
  /** The storage it was made of, such as `IndexedDB`. */
  readonly storage: string
  readonly contents: Contents
}

/** Why a file is no backup: one sentence that names the line, counted from 1. */
export class BackupError extends Error {
  override readonly name: string = 'BackupError'
  readonly line: number

  constructor(line: number, sentence: string) {
    super(`Line ${line}: ${sentence}`)
    this.line = line
  }
}

/**
 * A backup as text: a line of JSON that says what it is, one for each entry, and one that counts
 * them. Entries are sorted by namespace and key, so that two backups can be compared line by line.
 */
export function writeBackup({ at, storage, contents }: Backup): string {
  const lines = [JSON.stringify({ botshelf: 'backup', format: FORMAT, at, storage })]
  for (const [namespace, entries] of sorted(contents)) {
    for (const [key, stored] of sorted(entries)) {
      lines.push(entryLine({ namespace, key, ...stored }))
    }
  }
  lines.push(JSON.stringify({ entries: lines.length - 1 }))
  return `${lines.join('\n')}\n`
}

/**
 * Reads a file that {@link writeBackup} made, or that somebody edited: a backup is data. All of it
 * is right, or all of it is refused.
 *
 * @throws BackupError
 */
export function readBackup(bytes: Uint8Array): Backup {
  const lines = [...readLines(bytes)]
  if (lines.at(-1) === '') lines.pop()
  const { at, storage } = readHeader(lines[0] ?? '')
  const count = readCount(lines)
  const contents = new Map<string, Map<string, StoredText>>()
  for (const [index, text] of lines.slice(1, -1).entries()) {
    const line = index + 2
    const { namespace, key, ...stored } = readLine(text, line)
    const entries = contents.get(namespace) ?? new Map<string, StoredText>()
    contents.set(namespace, entries)
    if (entries.has(key)) {
      const place = `${JSON.stringify(namespace)}, ${JSON.stringify(key)}`
      throw new BackupError(line, `There is a second entry of ${place}.`)
    }
    entries.set(key, stored)
  }
  const found = lines.length - 2
  if (count === found) return { at, storage, contents }
  throw new BackupError(lines.length, `It counts ${count} entries, and there are ${found}.`)
}

function* readLines(bytes: Uint8Array): Generator<string, void, undefined> {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  let line = 0
  for (let from = 0; from <= bytes.length;) {
    line++
    const found = bytes.indexOf(0x0a, from)
    const to = found === -1 ? bytes.length : found
    try {
      yield utf8.decode(bytes.subarray(from, to))
    } catch {
      throw new BackupError(line, 'It is not UTF-8 text.')
    }
    from = to + 1
  }
}

function readHeader(text: string): { at: string; storage: string } {
  const header = parse(text)
  const { botshelf, format, at, storage } = header ?? {}
  if (botshelf === 'backup' && typeof format === 'number' && format > FORMAT) {
    throw new BackupError(
      1,
      `The backup was written by a later version: its format is ${format}, and this version reads ${FORMAT}.`,
    )
  }
  const isDate = typeof at === 'string' && !Number.isNaN(Date.parse(at))
  if (botshelf === 'backup' && format === FORMAT && isDate && typeof storage === 'string') {
    return { at, storage }
  }
  throw new BackupError(1, 'This is no backup of botshelf.')
}

function readCount(lines: readonly string[]): number {
  const last = lines.length > 1 ? parse(lines.at(-1) ?? '') : undefined
  const count = last?.['entries']
  if (last !== undefined && Object.keys(last).length === 1 && Number.isInteger(count)) {
    return count as number
  }
  throw new BackupError(
    lines.length,
    'The file is torn: its last line must say how many entries there are.',
  )
}

function readLine(text: string, line: number): BackupEntry {
  const given = parse(text)
  if (given === undefined) throw new BackupError(line, 'It is not an entry.')
  try {
    return readEntry(given)
  } catch (error) {
    if (error instanceof EntryError) throw new BackupError(line, error.message)
    throw error
  }
}

/** A line of JSON that is an object; `undefined` for any other. */
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const given: unknown = JSON.parse(text)
    const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
    return isObject ? (given as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].toSorted(([a], [b]) => byCodeUnit(a, b))
}
