import type { Command } from 'commander'
import { parseName } from '../../src/backup/entry.ts'
import { type CommandIo, printLines } from '../io.ts'
import { printJsonArray } from '../listing.ts'
import { openSource, type SourceOptions, withSourceOptions } from '../source/open-source.ts'
import { formatName } from '../text.ts'

interface KeysOptions extends SourceOptions {
  readonly prefix?: string
  readonly json?: boolean
}

/** Adds `botshelf keys`. */
export function addKeysCommand(program: Command, io: CommandIo): void {
  withSourceOptions(program.command('keys'))
    .description('list the keys of a namespace, without their values')
    .argument('<namespace>')
    .option('--prefix <prefix>', 'only keys that begin with this')
    .option('--json', 'print a JSON array')
    .addHelpText(
      'after',
      `
Keys are sorted by code unit. One that is empty, or that has a line break or another control character, is
printed as a JSON string; a script should use --json.

Examples:
  $ botshelf keys Karma
  $ botshelf keys Sessions --prefix user: --json`,
    )
    .action(async (namespace: string, options: KeysOptions) => {
      parseName({ namespace, key: '' })
      const keys = (await openSource(options, io)).keys(namespace, options)
      await (options.json ? printJsonArray(io, keys) : printLines(io, formatNames(keys)))
    })
}

async function* formatNames(keys: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const key of keys) yield formatName(key)
}
