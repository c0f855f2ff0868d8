import { jsonBytes } from '../../src/backup/chunks.ts'
import { type BackupEntry, byName, type EntryName } from '../../src/backup/entry.ts'
import {
  BackupError,
  type BackupHeader,
  checkFooter,
  createDuplicateError,
  createIncompleteError,
  parseEntryLine,
  parseFooter,
  parseHeader,
} from '../../src/backup/lines.ts'
import { CliError, EXIT } from '../errors.ts'
import { readLines } from './read-lines.ts'

/** The most bytes of a file whose entries are sorted in memory. */
const MAX_UNSORTED_BYTES = 32 * 1024 * 1024

/** A backup file that was read to its end and found valid. */
export interface BackupFile {
  readonly header: BackupHeader
  /** The number of entries. */
  readonly size: number
  /** SHA-256 of all lines but the last. */
  readonly sha256: string
  /** Reads the entries sorted by namespace and key, those after a name. */
  entries(after?: EntryName): AsyncGenerator<BackupEntry, void, undefined>
}

/** An entry and its line. */
interface NumberedEntry {
  readonly entry: BackupEntry
  readonly line: number
}

/** What a pass over the whole file found. */
interface FileFacts {
  readonly header: BackupHeader
  readonly size: number
  readonly sha256: string
  readonly bytes: number
}

/**
 * Reads a backup file and validates all of it, one line in memory at a time. A file that is not sorted, such
 * as one with lines that were added by hand, is sorted in memory if it is small.
 *
 * @throws CliError for the first mistake, or if the file cannot be read
 */
export async function openBackupFile(path: string, options: OpenOptions = {}): Promise<BackupFile> {
  try {
    return await checkFile(path, options)
  } catch (error) {
    if (!(error instanceof BackupError)) throw error
    throw new CliError(EXIT.input, `${path}: ${error.message}`, { cause: error })
  }
}

/** Options of {@link openBackupFile}. */
export interface OpenOptions {
  /** The most bytes of an entry as JSON. Default unlimited. */
  readonly maxEntryBytes?: number
  /** Stops the reading. */
  readonly signal?: AbortSignal
}

async function checkFile(
  path: string,
  { maxEntryBytes = Number.POSITIVE_INFINITY, signal }: OpenOptions,
): Promise<BackupFile> {
  let unsortedLine: number | undefined
  let previous: BackupEntry | undefined
  let facts: FileFacts | undefined
  for await (const { entry, line } of readEntries(path, (found) => (facts = found))) {
    signal?.throwIfAborted()
    const order = previous === undefined ? -1 : byName(previous, entry)
    if (order === 0) throw createDuplicateError(line, entry)
    if (order > 0) unsortedLine ??= line
    const entryBytes = maxEntryBytes === Number.POSITIVE_INFINITY ? 0 : jsonBytes(entry)
    if (entryBytes > maxEntryBytes) {
      throw new BackupError(
        line,
        `The entry is too large to send: it has ${entryBytes} bytes, at most ${maxEntryBytes} fit.`,
      )
    }
    previous = entry
  }
  if (facts === undefined) throw createIncompleteError(1)
  const { bytes, ...file } = facts
  if (unsortedLine === undefined) {
    return { ...file, entries: (after) => entriesAfter(readAgain(path, file.sha256), after) }
  }
  if (bytes > MAX_UNSORTED_BYTES) {
    throw new BackupError(
      unsortedLine,
      'The entry is not in order, and the file is too large to be sorted in memory (more than 32 MiB): sort its lines by namespace and key.',
    )
  }
  const sorted = await readUnsorted(path)
  return { ...file, entries: (after) => entriesAfter(sorted, after) }
}

/** Reads the entries, and calls `onEnd` at the end of the file, after the last line was checked. */
async function* readEntries(
  path: string,
  onEnd: (facts: FileFacts) => void,
): AsyncGenerator<NumberedEntry, void, undefined> {
  let header: BackupHeader | undefined
  let size = 0
  for await (const { number, text, isLast, start, digestBefore } of readLines(path)) {
    if (header === undefined) {
      header = parseHeader(text)
      if (isLast) throw createIncompleteError(number)
    } else if (!isLast) {
      size++
      yield { entry: parseEntryLine(text, number), line: number }
    } else {
      const footer = parseFooter(text)
      if (footer === undefined) throw createIncompleteError(number)
      const sha256 = digestBefore()
      checkFooter(footer, { entries: size, sha256, line: number })
      onEnd({ header, size, sha256, bytes: start })
    }
  }
  // A file without bytes has no line.
  if (header === undefined) parseHeader('')
}

/** Reads a sorted file a second time. */
async function* readAgain(
  path: string,
  sha256: string,
): AsyncGenerator<BackupEntry, void, undefined> {
  const onEnd = (facts: FileFacts): void => {
    if (facts.sha256 === sha256) return
    throw new BackupError(1, 'The file was changed while it was read.')
  }
  for await (const { entry } of readEntries(path, onEnd)) yield entry
}

async function readUnsorted(path: string): Promise<readonly BackupEntry[]> {
  const found: NumberedEntry[] = []
  for await (const entry of readEntries(path, () => {})) found.push(entry)
  found.sort((one, other) => byName(one.entry, other.entry) || one.line - other.line)
  for (const [index, { entry, line }] of found.entries()) {
    const previous = found[index - 1]
    if (previous !== undefined && byName(previous.entry, entry) === 0) {
      throw createDuplicateError(line, entry)
    }
  }
  return found.map(({ entry }) => entry)
}

async function* entriesAfter(
  entries: Iterable<BackupEntry> | AsyncIterable<BackupEntry>,
  after: EntryName | undefined,
): AsyncGenerator<BackupEntry, void, undefined> {
  for await (const entry of entries) {
    if (after === undefined || byName(entry, after) > 0) yield entry
  }
}
