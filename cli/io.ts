import type { Readable, Writable } from 'node:stream'

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

/** Reads standard input to its end, as UTF-8. */
export async function readStdin({ stdin }: Pick<CommandIo, 'stdin'>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}
