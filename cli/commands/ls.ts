import type { Command } from 'commander'
import { parseName } from '../../src/backup/entry.ts'
import { CliError, EXIT } from '../errors.ts'
import { type CommandIo, printJson, printLines } from '../io.ts'
import { printJsonObject, printRows } from '../listing.ts'
import { openSource, type SourceOptions, withSourceOptions } from '../source/open-source.ts'
import { formatName } from '../text.ts'
import { formatShort } from '../values.ts'

interface ListOptions extends SourceOptions {
  readonly prefix?: string
  readonly json?: boolean
}

/** Adds `botshelf ls`. */
export function addListCommand(program: Command, io: CommandIo): void {
  withSourceOptions(program.command('ls'))
    .description('list the namespaces with their sizes, or the entries of one')
    .argument('[namespace]', 'list its entries, with the start of each value')
    .option('--prefix <prefix>', 'only keys that begin with this; needs a namespace')
    .option('--json', 'print JSON: sizes by namespace, or bytes, expiry and version by key')
    .addHelpText(
      'after',
      `
Examples:
  $ botshelf ls --url https://bot.example.com
  $ botshelf ls Karma
  $ botshelf ls --file bot.jsonl.gz --json`,
    )
    .action(async (namespace: string | undefined, options: ListOptions) => {
      if (namespace === undefined) {
        if (options.prefix !== undefined) {
          throw new CliError(EXIT.usage, '--prefix needs a namespace: botshelf ls Karma --prefix a')
        }
        await listNamespaces(options, io)
        return
      }
      parseName({ namespace, key: '' })
      const entries = (await openSource(options, io)).entries(namespace, options)
      if (options.json) {
        await printJsonObject(io, entries, (_key, { value, expires, version }) => {
          return { bytes: Buffer.byteLength(value), expires, version }
        })
        return
      }
      await printRows(io, namespace, entries, formatShort)
    })
}

async function listNamespaces(options: ListOptions, io: CommandIo): Promise<void> {
  const sizes = await (await openSource(options, io)).sizes()
  if (options.json) {
    await printJson(io, Object.fromEntries(sizes))
    return
  }
  const width = Math.max(0, ...[...sizes.values()].map((size) => String(size).length))
  await printLines(
    io,
    [...sizes].map(([name, size]) => `${String(size).padStart(width)}  ${formatName(name)}`),
  )
}
