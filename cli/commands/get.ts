import type { Command } from 'commander'
import { parseName, type StoredValue } from '../../src/backup/entry.ts'
import { CliError, EXIT } from '../errors.ts'
import { type CommandIo, printLines } from '../io.ts'
import { printRows, printJsonObject } from '../listing.ts'
import { openSource, type SourceOptions, withSourceOptions } from '../source/open-source.ts'
import { escapeControls, toJsonText } from '../text.ts'
import { formatStored, toJsonValue, type ValueFormOptions } from '../values.ts'

interface GetOptions extends SourceOptions, ValueFormOptions {
  readonly prefix?: string
  readonly json?: boolean
}

/** Adds `botshelf get`. */
export function addGetCommand(program: Command, io: CommandIo): void {
  withSourceOptions(program.command('get'))
    .description('print the value of an entry, or all values of a namespace')
    .argument('<namespace>')
    .argument('[key]', 'the entry; without it, all entries of the namespace')
    .option('--prefix <prefix>', 'only keys that begin with this')
    .option('--json', 'print JSON: the value, or an object with a value for each key')
    .option('--encoded', 'print values as encoded strings, which keep what JSON cannot hold')
    .addHelpText(
      'after',
      `
What JSON cannot hold, such as a Date or a Map, is printed in the notation of JavaScript. With --json it
is an error, and the printed object then has no end. The output of --json and --encoded has no expiries;
a backup has them.

Examples:
  $ botshelf get Karma ann
  $ botshelf get Karma --json
  $ botshelf get Karma --encoded > karma.json
  $ botshelf set Karma --encoded --input karma.json`,
    )
    .action(async (namespace: string, key: string | undefined, options: GetOptions) => {
      parseName({ namespace, key: key ?? '' })
      if (key !== undefined && options.prefix !== undefined) {
        throw new CliError(EXIT.usage, 'Give a key or --prefix, not both.')
      }
      const source = await openSource(options, io)
      if (key !== undefined) {
        const stored = await source.entry(namespace, key)
        if (stored === undefined) {
          throw new CliError(
            EXIT.notFound,
            `The namespace ${JSON.stringify(namespace)} has no key ${JSON.stringify(key)}.`,
          )
        }
        await printLines(io, [formatOne(key, stored, options)])
        return
      }
      const entries = source.entries(namespace, options)
      if (options.json || options.encoded) {
        await printJsonObject(io, entries, (name, stored) => toJsonValue(name, stored, options))
        return
      }
      await printRows(io, namespace, entries, formatStored)
    })
}

function formatOne(key: string, stored: StoredValue, options: GetOptions): string {
  if (options.encoded && !options.json) return escapeControls(stored.value)
  return options.json ? toJsonText(toJsonValue(key, stored, options)) : formatStored(stored)
}
