import { Writable } from 'node:stream'
import { CliError, EXIT } from './errors.ts'
import type { CommandIo } from './io.ts'

/** Options of {@link requireConfirmation}. */
export interface ConfirmOptions {
  /** `--yes`: the user has confirmed already. */
  readonly yes?: boolean | undefined
  /** Whether the input of the command comes from standard input, which cannot answer then. */
  readonly readsStdin?: boolean
}

/** Asks a question; throws unless the answer is yes. */
export type Confirm = (question: string) => Promise<void>

/**
 * Returns a function that asks for a confirmation on a terminal, or not at all with `--yes`.
 *
 * @throws CliError at once if nothing can be asked
 */
export function requireConfirmation(
  io: CommandIo,
  { yes = false, readsStdin = false }: ConfirmOptions,
): Confirm {
  if (yes) return () => Promise.resolve()
  if (readsStdin) {
    throw new CliError(
      EXIT.usage,
      'Standard input has the data and cannot answer a question: read the data from a file, add --yes, or see what would change with --dry-run.',
    )
  }
  if (!io.stdin.isTTY || !io.stderr.isTTY) {
    throw new CliError(
      EXIT.usage,
      'There is no terminal to ask on: add --yes, or --dry-run to see what would change.',
    )
  }
  return async (message) => {
    // Loaded only here: most calls ask nothing.
    const { confirm } = await import('@clack/prompts')
    const answer = await confirm({
      message,
      initialValue: false,
      input: io.stdin,
      output: promptOutput(io),
      signal: io.signal,
    })
    if (answer !== true) throw new CliError(EXIT.interrupted, 'Nothing was changed.')
  }
}

/** Returns standard error, without colors if the user wants none; the movements of the cursor stay. */
function promptOutput({ stderr, env }: CommandIo): Writable {
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const text = chunk.toString()
      // oxlint-disable-next-line no-control-regex -- a color begins with the control character ESC
      stderr.write(env['NO_COLOR'] ? text.replaceAll(/\u001b\[[\d;]*m/g, '') : text, done)
    },
  })
  // Some terminals report no width.
  return Object.assign(output, { columns: stderr.columns || 80 })
}
