import type { Command } from 'commander'
import { type ChangeCounts, formatCounts } from './difference.ts'
import { type CommandIo, printJson } from './io.ts'
import { type SourceOptions, withSourceOptions } from './source/open-source.ts'
import { formatName } from './text.ts'
import type { ValueFormOptions } from './values.ts'

/** The options of every command that changes entries. */
export interface ChangeOptions extends SourceOptions, ValueFormOptions {
  readonly dryRun?: boolean | undefined
  readonly json?: boolean | undefined
}

/** Adds the options of {@link ChangeOptions} to a command, except `--encoded`. */
export function withChangeOptions(command: Command): Command {
  return withSourceOptions(command)
    .option('--dry-run', 'print what would change, and change nothing')
    .option('--json', 'print the result, or the difference, as JSON')
}

/** Follows the counts of a change that was not made. */
export const DRY_RUN_NOTE = ' Nothing was changed, because of --dry-run.'

/** Reports the result of a change: with `--json` on standard output, otherwise for people. */
export async function printResult(
  io: CommandIo,
  namespace: string,
  counts: ChangeCounts,
  { json = false, dryRun = false }: ChangeOptions,
): Promise<void> {
  if (json) {
    if (!dryRun) await printJson(io, counts)
    return
  }
  const note = dryRun ? DRY_RUN_NOTE : ''
  io.stderr.write(`${formatName(namespace)}: ${formatCounts(counts)}.${note}\n`)
}
