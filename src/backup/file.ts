import { byCodeUnit } from '../key.ts'
import { formatEntry, type StoredValue } from './entry.ts'
import {
  checkFooter,
  createDuplicateError,
  createIncompleteError,
  decodeLine,
  formatFooter,
  formatHeader,
  parseEntryLine,
  parseFooter,
  parseHeader,
} from './lines.ts'
import { sha256IfAvailable } from './sha256.ts'
import type { Contents } from './target.ts'

const LINE_END = 0x0a

/** The entries of a storage at the time of the backup. */
export interface Backup {
  /** When the backup was made, as ISO 8601. */
  readonly at: string
  /** The name of the storage that was read, such as `IndexedDB`. */
  readonly storage: string
  /** The URL of the bot, if the command line made the backup. */
  readonly url?: string | undefined
  readonly contents: Contents
}

/**
 * Formats a backup as lines of JSON: a header, one line for each entry, and the number of entries with
 * the SHA-256 of all lines before it. In a page over plain HTTP, which has no WebCrypto, the file has no
 * SHA-256, and `parseBackup` does not check it. Entries are sorted by namespace and key, so two backups can be
 * compared line by line.
 */
export async function formatBackup({ at, storage, url, contents }: Backup): Promise<string> {
  const lines = [formatHeader({ at, storage, url })]
  for (const [namespace, entries] of sortByName(contents)) {
    for (const [key, stored] of sortByName(entries)) {
      lines.push(formatEntry({ namespace, key, ...stored }))
    }
  }
  const text = `${lines.join('\n')}\n`
  const sha256 = await sha256IfAvailable(new TextEncoder().encode(text))
  return `${text}${formatFooter({ entries: lines.length - 1, sha256 })}\n`
}

/**
 * Parses the bytes of a backup file and validates all of it. The lines may have been edited by hand, if
 * the last line then has no `sha256`.
 *
 * @param bytes UTF-8, with or without a byte order mark
 * @throws BackupError for the first mistake
 */
export async function parseBackup(bytes: Uint8Array): Promise<Backup> {
  const lines = splitLines(bytes)
  const header = parseHeader(decodeLine(bytes.subarray(0, lines[0]?.end ?? 0), 1))
  const last = lines.at(-1)
  const text =
    last === undefined ? '' : decodeLine(bytes.subarray(last.start, last.end), lines.length)
  const footer = parseFooter(text)
  if (last === undefined || lines.length < 2 || footer === undefined) {
    throw createIncompleteError(lines.length)
  }
  const contents = new Map<string, Map<string, StoredValue>>()
  for (const [index, { start, end }] of lines.slice(1, -1).entries()) {
    const line = index + 2
    const { namespace, key, ...stored } = parseEntryLine(
      decodeLine(bytes.subarray(start, end), line),
      line,
    )
    const entries = contents.get(namespace) ?? new Map<string, StoredValue>()
    contents.set(namespace, entries)
    if (entries.has(key)) throw createDuplicateError(line, { namespace, key })
    entries.set(key, stored)
  }
  const sha256 = await sha256IfAvailable(bytes.subarray(0, last.start))
  checkFooter(footer, { entries: lines.length - 2, sha256, line: lines.length })
  return { ...header, contents }
}

interface LineRange {
  readonly start: number
  readonly end: number
}

/** Returns where each line starts and ends; the last line may lack the line's end. */
function splitLines(bytes: Uint8Array): readonly LineRange[] {
  const lines: LineRange[] = []
  for (let start = 0; start < bytes.length || lines.length === 0;) {
    const found = bytes.indexOf(LINE_END, start)
    const end = found === -1 ? bytes.length : found
    lines.push({ start, end })
    start = end + 1
  }
  return lines
}

function sortByName<V>(map: ReadonlyMap<string, V>): [name: string, value: V][] {
  return [...map].toSorted(([a], [b]) => byCodeUnit(a, b))
}
