import { type Command, Option } from 'commander'
import { isSameStoredValue, parseName } from '../../src/backup/entry.ts'
import type { ListMode } from '../../src/backup/merge.ts'
import { type ChangeOptions, printResult, withChangeOptions } from '../change-options.ts'
import { printDifferences, toDifferences } from '../difference.ts'
import { type InputOptions, parseEntries, readInput } from '../input.ts'
import { type CommandIo, printJson } from '../io.ts'
import { mergeEntry } from '../source/file-source.ts'
import { openSource } from '../source/open-source.ts'
import { readNamespace } from '../source/source.ts'
import { formatCount, formatName } from '../text.ts'

interface MergeOptions extends ChangeOptions, InputOptions {
  readonly lists: ListMode
}

/** Adds `botshelf merge`. */
export function addMergeCommand(program: Command, io: CommandIo): void {
  withChangeOptions(program.command('merge'))
    .description('merge values into the entries of a namespace')
    .argument('<namespace>')
    .addOption(
      new Option('--lists <mode>', 'add the new elements to a list, or replace the list')
        .choices(['append', 'replace'])
        .makeOptionMandatory(),
    )
    .option('--input <file>', 'read a file instead of standard input')
    .option('--encoded', 'values are encoded strings, as get --encoded prints them')
    .addHelpText(
      'after',
      `
The input is a JSON object with a value for each key. Objects merge key by key, at any depth; other
values are replaced. An entry keeps its expiry. All input is checked before anything is changed.

Examples:
  $ echo '{ "ann": 7 }' | botshelf merge Karma --lists replace
  $ echo '{ "todo": ["milk"] }' | botshelf merge Notes --lists append --dry-run
  $ botshelf get Notes --json --file old.jsonl | botshelf merge Notes --lists append`,
    )
    .action(async (namespace: string, options: MergeOptions) => {
      parseName({ namespace, key: '' })
      const source = await openSource(options, io)
      const entries = parseEntries(await readInput(options, io), namespace, options)
      if (options.dryRun) {
        const keys = entries.map(({ key }) => key)
        const current = await readNamespace(source, namespace, keys)
        const changes = entries
          .map((entry) => mergeEntry(current.get(entry.key), entry, options.lists))
          .filter((merged) => !isSameStoredValue(merged, current.get(merged.key)))
        const differences = toDifferences(changes, current)
        await printDifferences(io, differences, options)
        const added = differences.filter(({ before }) => before === undefined).length
        const counts = { added, changed: differences.length - added, removed: 0 }
        await printResult(io, namespace, counts, options)
        return
      }
      await source.merge(entries, options.lists)
      if (options.json) await printJson(io, { merged: entries.length })
      else
        io.stderr.write(
          `${formatName(namespace)}: ${formatCount(entries.length, 'entry')} merged.\n`,
        )
    })
}
