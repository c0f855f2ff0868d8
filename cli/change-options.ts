import type { Command } from 'commander'
import { printLines, type CommandIo } from './io.ts'
import { type SourceOptions, withSourceOptions } from './source/open-source.ts'
import { count, formatName, toJsonText } from './text.ts'
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

/** How many entries a command has changed. */
export interface ChangeCounts {
  readonly added: number
  readonly changed: number
  readonly removed: number
}

/** Reports the result of a change: with `--json` on standard output, otherwise for people. */
export async function printResult(
  io: CommandIo,
  namespace: string,
  counts: ChangeCounts,
  { json = false, dryRun = false }: ChangeOptions,
): Promise<void> {
  if (json) {
    if (!dryRun) await printLines(io, [toJsonText(counts)])
    return
  }
  io.stderr.write(
    `${formatName(namespace)}: ${formatCounts(counts)}.${dryRun ? ' Nothing was changed, because of --dry-run.' : ''}\n`,
  )
}

/** Formats counts, such as `1 entry added, 2 changed, 0 removed`. */
export function formatCounts({ added, changed, removed }: ChangeCounts): string {
  return `${count(added, 'entry')} added, ${changed} changed, ${removed} removed`
}
