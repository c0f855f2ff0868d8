import type { Command } from 'commander'
import { parseName, type StoredValue } from '../../src/backup/entry.ts'
import { planRestore } from '../../src/backup/plan.ts'
import { type ChangeOptions, printResult, withChangeOptions } from '../change-options.ts'
import { requireConfirmation } from '../confirm.ts'
import { formatCounts, printDifferences, toDifferences } from '../difference.ts'
import { CliError, EXIT } from '../errors.ts'
import { type ExpiryOptions, readExpiry } from '../expiry.ts'
import { type InputOptions, parseEntries, parseValue, readInput } from '../input.ts'
import type { CommandIo } from '../io.ts'
import { openSource } from '../source/open-source.ts'
import { readNamespace } from '../source/source.ts'
import { formatName } from '../text.ts'

interface SetOptions extends ChangeOptions, InputOptions, ExpiryOptions {
  readonly yes?: boolean
}

/** Adds `botshelf set`. */
export function addSetCommand(program: Command, io: CommandIo): void {
  withChangeOptions(program.command('set'))
    .description('set one entry, or replace all entries of a namespace')
    .argument('<namespace>')
    .argument('[key]', 'the entry to set; without it, the input has a value for each key')
    .argument(
      '[value]',
      `JSON, such as 7 or '"text"'; without it, the value is read from standard input`,
    )
    .option('--input <file>', 'read a file instead of standard input')
    .option('--encoded', 'values are encoded strings, as get --encoded prints them')
    .option('--ttl <duration>', 'let it expire after this time, such as 30s, 10m, 12h or 7d')
    .option('--expires <date>', 'let it expire at this time, such as 2027-01-31T12:00:00Z')
    .option('-y, --yes', 'do not ask before a namespace is replaced')
    .addHelpText(
      'after',
      `
All input is checked before anything is changed. An entry that is set has no expiry, unless --ttl or
--expires gives one. Without a key, entries that the input does not have are removed.

Examples:
  $ botshelf set Karma ann 7
  $ botshelf set Notes todo '["milk", "bread"]' --ttl 7d
  $ echo '{ "ann": 7, "ben": 2 }' | botshelf set Karma --dry-run
  $ botshelf get Karma --json > karma.json
  $ botshelf set Karma --input karma.json`,
    )
    .action(
      async (
        namespace: string,
        key: string | undefined,
        value: string | undefined,
        options: SetOptions,
      ) => {
        await setEntries({ namespace, key, value }, options, io)
      },
    )
}

interface SetArguments {
  readonly namespace: string
  readonly key: string | undefined
  readonly value: string | undefined
}

async function setEntries(
  { namespace, key, value }: SetArguments,
  options: SetOptions,
  io: CommandIo,
): Promise<void> {
  parseName({ namespace, key: key ?? '' })
  if (value !== undefined && options.input !== undefined) {
    throw new CliError(EXIT.usage, 'Give the value as an argument or by --input, not both.')
  }
  const expiry = readExpiry(options)
  const replacesAll = key === undefined
  const confirm =
    replacesAll && !options.dryRun
      ? requireConfirmation(io, { ...options, readsStdin: options.input === undefined })
      : undefined
  const source = await openSource(options, io)
  const text = value ?? (await readInput(options, io))
  const entries = replacesAll
    ? parseEntries(text, namespace, options)
    : [parseValue(text, { namespace, key }, options)]
  const current = await readNamespace(source, namespace, replacesAll ? undefined : [key])
  const wanted = new Map<string, StoredValue>(
    // The value of a store with a version keeps its version, which the input does not have.
    entries.map((entry) => [
      entry.key,
      { value: entry.value, ...expiry, version: current.get(entry.key)?.version },
    ]),
  )
  const plan = planRestore(
    new Map([[namespace, wanted]]),
    new Map([[namespace, current]]),
    replacesAll ? 'replace' : 'merge',
  )
  const { added, changed, removed } = plan
  const counts = { added, changed, removed }
  if (options.dryRun) await printDifferences(io, toDifferences(plan.changes, current), options)
  else {
    await confirm?.(`Replace ${formatName(namespace)} of ${source.label}: ${formatCounts(counts)}?`)
    await source.apply(plan.changes)
  }
  await printResult(io, namespace, counts, options)
}
