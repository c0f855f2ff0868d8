import { PassThrough, Readable, Writable } from 'node:stream'
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
  readonly stdin?: string | Uint8Array
  /** What is typed on a terminal, instead of standard input from a pipe. */
  readonly typed?: string
  /** Whether standard input and standard error are a terminal. Default: if something is typed. */
  readonly terminal?: boolean
  /** The width of the terminal. Default unknown. */
  readonly columns?: number
  /** Default: the token of the bot. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
}

/** Runs the command in this process, without a terminal by default. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { stdin = '', typed, env = { BOTSHELF_TOKEN: TOKEN }, signal, columns } = options
  const { terminal: isTTY = typed !== undefined } = options
  const stdout = Object.assign(new TextOutput(), { isTTY })
  const stderr = Object.assign(new TextOutput(), { isTTY, columns })
  const keyboard = new PassThrough()
  stderr.once('question', () => keyboard.write(typed ?? ''))
  const pipe = Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)])
  const exitCode = await runCli(args, {
    stdin: Object.assign(typed === undefined ? pipe : keyboard, { isTTY, setRawMode: () => {} }),
    stdout,
    stderr,
    env,
    signal: signal ?? new AbortController().signal,
  })
  return { exitCode, stdout: stdout.text, stderr: stderr.text }
}

class TextOutput extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    if (/\?\n/.test(this.text)) setImmediate(() => this.emit('question'))
    done()
  }
}
