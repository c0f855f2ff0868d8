import { readFile } from 'node:fs/promises'
import { addAbortSignal, type Readable, type Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { CliError, createReadError, EXIT } from './errors.ts'
import { toJsonText } from './text.ts'

/** A stream to write to, which may be a terminal. */
export type TerminalOutput = Writable & {
  readonly isTTY?: boolean | undefined
  /** The width of the terminal, in characters. */
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

/** Prints JSON on one line. */
export function printJson(io: Pick<CommandIo, 'stdout'>, value: unknown): Promise<void> {
  return printLines(io, [toJsonText(value)])
}

/**
 * Reads a text file, or standard input for `-`.
 *
 * @throws CliError if it cannot be read, or is not UTF-8
 */
export async function readText(
  file: string,
  { stdin, signal }: Pick<CommandIo, 'stdin' | 'signal'>,
): Promise<string> {
  let bytes: Uint8Array
  if (file === '-') bytes = await buffer(addAbortSignal(signal, stdin))
  else {
    try {
      bytes = await readFile(file)
    } catch (cause) {
      throw createReadError(file, cause)
    }
  }
  try {
    // With or without a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const name = file === '-' ? 'Standard input' : file
    throw new CliError(EXIT.input, `${name} is not UTF-8 text. Convert it.`, { cause })
  }
}
