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
}

/** Runs the command in this process, without a terminal. */
export async function cli(
  args: readonly string[],
  { stdin = '', env = { BOTSHELF_TOKEN: TOKEN }, signal }: CliOptions = {},
): Promise<CliResult> {
  const [stdout, stderr] = [new TextOutput(), new TextOutput()]
  const exitCode = await runCli(args, {
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
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
    done()
  }
}
