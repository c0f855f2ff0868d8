import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { encodeCursor } from '../../src/backup/cursor.ts'
import { type BackupEntry, byName, type EntryName, formatEntry } from '../../src/backup/entry.ts'
import {
  type BackupHeader,
  formatFooter,
  formatHeader,
  parseEntryLine,
  parseFooter,
  parseHeader,
} from '../../src/backup/lines.ts'
import { CliError, EXIT } from '../errors.ts'
import { openBackupFile } from './backup-file.ts'
import { isGzip, readLines } from './read-lines.ts'

/** The mode of files that have a bot's data: only their owner reads them. */
export const PRIVATE_MODE = 0o600

/**
 * A backup that is being written: `FILE.partial`, whose lines are those of the final file, never
 * compressed. An interrupted backup continues after its last complete line.
 */
export interface PartialBackup {
  readonly path: string
  readonly header: BackupHeader
  /** The number of entries in the file. */
  readonly size: number
  /** The number of entries of an earlier run. */
  readonly resumedSize: number
  /** The cursor after its last entry; `null` without entries. */
  readonly after: string | null
  append(entries: readonly BackupEntry[]): Promise<void>
  /** Writes the last line, checks the file, and renames it to its final name. */
  finish(): Promise<void>
  /** Closes the file, and removes it if it has no entries. */
  close(): Promise<void>
}

/** Opens the partial file of `target`, or creates it. */
export async function openPartialBackup(
  target: string,
  header: BackupHeader,
): Promise<PartialBackup> {
  const path = `${target}.partial`
  const found = (await exists(path)) ? await readPartial(path, header) : undefined
  const file = await openFile(path, found === undefined ? 'w' : 'r+')
  // The rest is a line that was cut, or a last line of which the file was not renamed any more.
  if (found !== undefined) await file.truncate(found.bytes)
  const hash = found?.hash ?? createHash('sha256')
  let position = found?.bytes ?? 0
  let size = found?.size ?? 0
  let last = found?.last
  const write = async (text: string): Promise<void> => {
    const bytes = Buffer.from(text)
    if ((await file.stat()).size !== position) {
      throw new CliError(EXIT.failed, `Another command writes ${path}. Let one of them end.`)
    }
    await writeAll(file, bytes, position)
    position += bytes.length
    hash.update(bytes)
  }
  const usedHeader = found?.header ?? header
  const close = async (): Promise<void> => {
    await file.close()
    if (size === 0) await rm(path)
  }
  try {
    if (found === undefined) await write(`${formatHeader(header)}\n`)
  } catch (error) {
    await close()
    throw error
  }
  return {
    path,
    header: usedHeader,
    resumedSize: size,
    get size() {
      return size
    },
    get after() {
      return last === undefined ? null : encodeCursor(last)
    },
    async append(entries) {
      if (entries.length === 0) return
      await write(entries.map((entry) => `${formatEntry(entry)}\n`).join(''))
      size += entries.length
      last = entries.at(-1)
    },
    async finish() {
      const sha256 = hash.copy().digest('hex')
      await write(`${formatFooter({ entries: size, sha256 })}\n`)
      await file.sync()
      await file.close()
      await publish(path, target)
    },
    close,
  }
}

/** What an earlier run wrote. */
interface FoundPartial {
  readonly header: BackupHeader
  readonly size: number
  readonly last: EntryName | undefined
  /** The bytes of its header and entries. */
  readonly bytes: number
  readonly hash: ReturnType<typeof createHash>
}

/** Reads the complete lines; `undefined` if there is no complete header. */
async function readPartial(path: string, wanted: BackupHeader): Promise<FoundPartial | undefined> {
  const hash = createHash('sha256')
  let header: BackupHeader | undefined
  let size = 0
  let last: EntryName | undefined
  let bytes = 0
  try {
    for await (const { number, text, bytes: line, isComplete, isLast } of readLines(path)) {
      if (!isComplete || (isLast && parseFooter(text) !== undefined)) break
      if (header === undefined) {
        header = parseHeader(text)
        checkOrigin(path, header, wanted)
      } else {
        const entry = parseEntryLine(text, number)
        if (last !== undefined && byName(last, entry) >= 0) {
          throw new CliError(EXIT.input, `Line ${number}: The entry is not in order.`)
        }
        last = entry
        size++
      }
      hash.update(line)
      bytes += line.length
    }
  } catch (error) {
    if (error instanceof CliError && error.exitCode !== EXIT.input) throw error
    const message = error instanceof Error ? error.message : String(error)
    const advice = `${path} cannot be continued. ${message} Remove it to start over.`
    throw new CliError(EXIT.input, advice, { cause: error })
  }
  return header && { header, size, last, bytes, hash }
}

function checkOrigin(path: string, found: BackupHeader, wanted: BackupHeader): void {
  if (found.url === wanted.url && found.storage === wanted.storage) return
  throw new CliError(
    EXIT.usage,
    `${path} is an unfinished backup of ${nameOrigin(found)}, not of ${nameOrigin(wanted)}. Remove it, or choose another file name.`,
  )
}

function nameOrigin({ url = 'an unknown bot', storage }: BackupHeader): string {
  return `${url} (${storage})`
}

/** Compresses the file if its name says so, checks all of it, and gives it its name. */
async function publish(path: string, target: string): Promise<void> {
  if (!isGzip(target)) {
    await openBackupFile(path)
    await rename(path, target)
    return
  }
  const compressed = `${target}.partial.gz`
  await pipeline(
    createReadStream(path),
    createGzip(),
    createWriteStream(compressed, { mode: PRIVATE_MODE, flush: true }),
  )
  await openBackupFile(compressed)
  await rename(compressed, target)
  await rm(path)
}

async function openFile(path: string, flags: string): Promise<FileHandle> {
  try {
    return await open(path, flags, PRIVATE_MODE)
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    throw new CliError(EXIT.failed, `${path} cannot be written (${code}).`, { cause })
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const rest = bytes.length - written
    written += (await file.write(bytes, written, rest, position + written)).bytesWritten
  }
}

/** Returns whether a file exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}
