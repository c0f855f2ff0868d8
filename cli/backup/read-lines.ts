import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BackupError, decodeLine } from '../../src/backup/lines.ts'
import { createReadError } from '../errors.ts'

const LINE_END = 0x0a
/** The longest line. A value of 25 MiB, the most that a storage takes, is shorter even if JSON escapes it. */
const MAX_LINE_BYTES = 256 * 1024 * 1024

/** A line of a file. */
export interface FileLine {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** Its bytes, with its end. */
  readonly bytes: Buffer
  /** Whether the line has its end; only the last one may lack it. */
  readonly isComplete: boolean
  /** Whether it is the last line of the file. */
  readonly isLast: boolean
  /** The number of bytes of the file before this line; of its content, if it is compressed. */
  readonly start: number
  /** Returns the SHA-256 of the bytes before this line, in hexadecimal. */
  readonly digestBefore: () => string
}

/** Returns whether a file is compressed, which its name says. */
export function isGzip(path: string): boolean {
  return /\.gz$/i.test(path)
}

/**
 * Reads a file line by line, decompressed if its name ends with `.gz`.
 *
 * @throws BackupError for a line that is not UTF-8, or for compressed data that is cut or damaged
 * @throws CliError if the file cannot be read
 */
export async function* readLines(path: string): AsyncGenerator<FileLine, void, undefined> {
  const hash = createHash('sha256')
  let number = 0
  let start = 0
  const toLine = (bytes: Buffer, isLast: boolean): FileLine => {
    number++
    const isComplete = bytes.at(-1) === LINE_END
    const text = decodeLine(isComplete ? bytes.subarray(0, -1) : bytes, number)
    return {
      number,
      text,
      bytes,
      isComplete,
      isLast,
      start,
      digestBefore: () => hash.copy().digest('hex'),
    }
  }
  let previous: Buffer | undefined
  try {
    for await (const bytes of splitLines(openContent(path))) {
      if (previous !== undefined) {
        yield toLine(previous, false)
        hash.update(previous)
        start += previous.length
      }
      previous = bytes
    }
  } catch (error) {
    throw toReadError(error, path, number + 1)
  }
  if (previous !== undefined) yield toLine(previous, true)
}

function openContent(path: string): Readable {
  const file = createReadStream(path)
  // The callback only keeps the error of the file from being unhandled; the reader gets it too.
  return isGzip(path) ? pipeline(file, createGunzip(), () => {}) : file
}

/** Splits a stream into lines with their ends. */
async function* splitLines(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0
    for (let to = chunk.indexOf(LINE_END); to !== -1; to = chunk.indexOf(LINE_END, from)) {
      yield Buffer.concat([...pending, chunk.subarray(from, to + 1)])
      pending = []
      pendingBytes = 0
      from = to + 1
    }
    if (from === chunk.length) continue
    pending.push(chunk.subarray(from))
    pendingBytes += chunk.length - from
    if (pendingBytes > MAX_LINE_BYTES) throw new LongLineError()
  }
  if (pending.length > 0) yield Buffer.concat(pending)
}

class LongLineError extends Error {}

function toReadError(error: unknown, path: string, line: number): unknown {
  if (error instanceof BackupError) return error
  if (error instanceof LongLineError) {
    return new BackupError(line, 'The line is too long for a backup: it has more than 256 MiB.')
  }
  const { code = '' } = error as NodeJS.ErrnoException
  if (code.startsWith('Z_')) {
    return new BackupError(
      line,
      'The compressed file is cut or damaged (gzip), or its name should not end with .gz.',
    )
  }
  return createReadError(path, error)
}
