import { addAbortSignal, type Readable, type Writable } from 'node:stream'
import { CliError, EXIT } from './errors.ts'

/** A stream to write to, which may be a terminal. */
export type TerminalOutput = Writable & {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** What a command reads and writes besides files and the network. */
export interface CommandIo {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined }
  readonly stdout: TerminalOutput
  /** Progress, questions and errors; never data. */
  readonly stderr: TerminalOutput
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the user presses Ctrl-C. */
  readonly signal: AbortSignal
}

/** Writes lines to standard output, and waits while its reader is slower. */
export async function printLines(
  { stdout }: Pick<CommandIo, 'stdout'>,
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  for await (const line of lines) {
    if (stdout.destroyed) return
    if (!stdout.write(`${line}\n`)) await drained(stdout)
  }
}

/** Resolves when more can be written, or when the reader has gone, as after `| head`. */
function drained(stdout: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stdout.off('drain', done).off('close', done)
      resolve()
    }
    stdout.once('drain', done).once('close', done)
  })
}

/**
 * Reads standard input to its end.
 *
 * @throws CliError unless it is UTF-8
 */
export async function readStdin({
  stdin,
  signal,
}: Pick<CommandIo, 'stdin' | 'signal'>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of addAbortSignal(signal, stdin)) {
    chunks.push(Buffer.from(chunk as Uint8Array))
  }
  return decodeUtf8(Buffer.concat(chunks), 'Standard input')
}

/**
 * Decodes UTF-8, with or without a byte order mark.
 *
 * @param name names the input in the error
 * @throws CliError for other bytes
 */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new CliError(EXIT.input, `${name} is not UTF-8 text.`, { cause })
  }
}
