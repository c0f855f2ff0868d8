import type { Command } from 'commander'
import { parseName } from '../../src/backup/entry.ts'
import { type ChangeOptions, printResult, withChangeOptions } from '../change-options.ts'
import { requireConfirmation } from '../confirm.ts'
import { printDifferences, toDifferences } from '../difference.ts'
import { CliError, EXIT } from '../errors.ts'
import type { CommandIo } from '../io.ts'
import { openSource } from '../source/open-source.ts'
import { readNamespace } from '../source/source.ts'
import { formatCount, formatName } from '../text.ts'

interface RemoveOptions extends ChangeOptions {
  readonly yes?: boolean
}

/** Adds `botshelf rm`. */
export function addRemoveCommand(program: Command, io: CommandIo): void {
  withChangeOptions(program.command('rm'))
    .description('remove entries, or all entries of a namespace')
    .argument('<namespace>')
    .argument('[keys...]', 'the entries to remove; without keys, all entries of the namespace')
    .option('--encoded', 'print encoded strings with --dry-run --json')
    .option('-y, --yes', 'do not ask before a whole namespace is removed')
    .addHelpText(
      'after',
      `
If one of the keys does not exist, nothing is removed.

Examples:
  $ botshelf rm Karma ann ben
  $ botshelf rm Karma --dry-run
  $ botshelf rm Karma --yes`,
    )
    .action(async (namespace: string, given: readonly string[], options: RemoveOptions) => {
      const keys = [...new Set(given)]
      for (const key of ['', ...keys]) parseName({ namespace, key })
      const removesAll = keys.length === 0
      const confirm = removesAll && !options.dryRun ? requireConfirmation(io, options) : undefined
      const source = await openSource(options, io)
      const current = await readNamespace(source, namespace, removesAll ? undefined : keys)
      const missing = keys.find((key) => !current.has(key))
      if (missing !== undefined || current.size === 0) {
        const what = missing === undefined ? 'no entry' : `no key ${JSON.stringify(missing)}`
        throw new CliError(
          EXIT.notFound,
          `The namespace ${JSON.stringify(namespace)} has ${what}. Nothing was removed.`,
        )
      }
      const changes = [...current.keys()].map((key) => ({ namespace, key, remove: true as const }))
      if (options.dryRun) await printDifferences(io, toDifferences(changes, current), options)
      else {
        const entries = formatCount(changes.length, 'entry')
        await confirm?.(`Remove ${entries} of ${formatName(namespace)} of ${source.label}?`)
        await source.apply(changes)
      }
      const counts = { added: 0, changed: 0, removed: changes.length }
      await printResult(io, namespace, counts, options)
    })
}
