import type { Command } from 'commander'
import { type ConnectionOptions, withConnectionOptions } from '../connection.ts'
import { type CommandIo, printLines } from '../io.ts'
import { openSource } from '../source/open-source.ts'

interface ListOptions extends ConnectionOptions {
  readonly file?: string
  readonly json?: true
}

/** Adds `botshelf ls`. */
export function addListCommand(program: Command, io: CommandIo): void {
  withConnectionOptions(program.command('ls'))
    .description('list the namespaces and how many entries each has')
    .option('--file <backup>', 'read a backup file instead of a bot')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ botshelf ls --url https://bot.example.com
  $ botshelf ls --file bot.jsonl.gz --json`,
    )
    .action(async (options: ListOptions) => {
      const sizes = await (await openSource(options, io)).sizes()
      if (options.json) {
        await printLines(io, [JSON.stringify(Object.fromEntries(sizes))])
        return
      }
      const width = Math.max(0, ...[...sizes.values()].map((size) => String(size).length))
      const lines = [...sizes].map(([name, size]) => `${String(size).padStart(width)}  ${name}`)
      await printLines(io, lines)
    })
}
