import { Readable, Writable } from 'node:stream'
import type { ExitCode } from '../../../cli/errors.ts'
import { runCli } from '../../../cli/program.ts'
import { TOKEN } from './memory-bot.ts'

/** What a run of the command printed. */
export interface CliResult {
  readonly exitCode: ExitCode
  readonly stdout: string
  readonly stderr: string
}

/** Options of {@link cli}. */
export interface CliOptions {
  /** What standard input has. Default nothing. */
  readonly stdin?: string
  /** Default: the token of the bot. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
  /** Whether standard input and standard error are a terminal. Default `false`. */
  readonly terminal?: boolean
  /** The width of the terminal. Default unknown. */
  readonly columns?: number
}

/** Runs the command in this process. */
export async function cli(
  args: readonly string[],
  {
    stdin = '',
    env = { BOTSHELF_TOKEN: TOKEN },
    signal,
    terminal = false,
    columns,
  }: CliOptions = {},
): Promise<CliResult> {
  const [stdout, stderr] = [new TextOutput(), new TextOutput()]
  const input = Readable.from(stdin === '' ? [] : [Buffer.from(stdin)])
  const exitCode = await runCli(args, {
    stdin: Object.assign(input, { isTTY: terminal, setRawMode: () => {} }),
    stdout,
    stderr: Object.assign(stderr, { isTTY: terminal, columns }),
    env,
    signal: signal ?? new AbortController().signal,
  })
  return { exitCode, stdout: stdout.text, stderr: stderr.text }
}

class TextOutput extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
