import { inspect } from 'node:util'
import { confirm } from '@clack/prompts'
import { type Command, Option } from 'commander'
import type { StoredValue } from '../../src/backup/entry.ts'
import { planRestore, type RestorePlan } from '../../src/backup/plan.ts'
import type { Contents } from '../../src/backup/target.ts'
import { decode } from '../../src/codec.ts'
import { type ConnectionOptions, withConnectionOptions } from '../connection.ts'
import { readErrbotFile } from '../errbot/read-errbot-file.ts'
import { CliError, EXIT } from '../errors.ts'
import { type CommandIo, printLines } from '../io.ts'
import { openSource } from '../source/open-source.ts'
import type { StorageSource } from '../source/source.ts'

interface ImportOptions extends ConnectionOptions {
  readonly file?: string
  readonly namespace?: string
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly dryRun?: true
  readonly yes?: true
  readonly json?: true
}

/** Adds `botshelf import-errbot`. */
export function addImportErrbotCommand(program: Command, io: CommandIo): void {
  withConnectionOptions(program.command('import-errbot'))
    .argument('<file>', 'the backup.py of !backup, or what errbot --storage-get prints; - is stdin')
    .description('import the storage of an Errbot; other entries are kept')
    .addOption(
      new Option(
        '--namespace <name>',
        'the namespace of what errbot --storage-get prints',
      ).conflicts(['only', 'skip']),
    )
    .option('--only <name...>', 'of a backup.py, import only these namespaces')
    .option('--skip <name...>', 'of a backup.py, leave out these namespaces')
    .option('--file <backup>', 'import into a backup file instead of a bot')
    .option('--dry-run', 'print the difference and change nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The file is read as data and never executed. All of it is checked before the first change.
The namespaces core and repomgr of a backup.py are Errbot's own; only --only imports them.

Examples:
  $ botshelf import-errbot backup.py --url https://bot.example.com --dry-run
  $ botshelf import-errbot backup.py --only Karma Factoids --yes
  $ errbot --storage-get Karma | botshelf import-errbot - --namespace Karma --yes`,
    )
    .action((file: string, options: ImportOptions) => importErrbot(file, options, io))
}

async function importErrbot(file: string, options: ImportOptions, io: CommandIo): Promise<void> {
  const imported = await readErrbotFile(file, io.stdin, options)
  const source = await openSource(options, io)
  const current = await readCurrent(source, imported)
  const plan = planRestore(imported, current, 'merge')
  const { added, changed, same } = plan
  if (options.dryRun !== true && plan.changes.length > 0) {
    if (!options.yes) await askToImport(file, plan, io)
    await source.apply(plan.changes)
  }
  if (options.json) {
    const counts = { added, changed, same, namespaces: Object.fromEntries(plan.namespaces) }
    await printLines(io, [JSON.stringify({ applied: options.dryRun !== true, ...counts })])
  } else if (options.dryRun) {
    const summary = `Would add ${added} and change ${changed}; ${same} are the same.`
    await printLines(io, [...describeChanges(plan, current), summary])
  } else {
    await printLines(io, [`Added ${added} and changed ${changed}; ${same} were the same.`])
  }
}

/** Reads the stored entries that the import may change, page by page. */
async function readCurrent(source: StorageSource, imported: Contents): Promise<Contents> {
  const current = new Map<string, Map<string, StoredValue>>()
  for (const [namespace, entries] of imported) {
    const found = new Map<string, StoredValue>()
    for await (const [key, stored] of source.entries(namespace)) {
      if (entries.has(key)) found.set(key, stored)
    }
    current.set(namespace, found)
  }
  return current
}

function* describeChanges({ changes }: RestorePlan, current: Contents): Generator<string> {
  for (const change of changes) {
    if ('remove' in change) continue
    const { namespace, key, value } = change
    const before = current.get(namespace)?.get(key)
    const old = before === undefined ? '' : `${shortForm(before.value)} → `
    const sign = before === undefined ? '+' : '~'
    yield `${sign} ${inspect(namespace)} ${inspect(key)}: ${old}${shortForm(value)}`
  }
}

/** Formats an encoded value in one line, without control characters. */
function shortForm(encoded: string): string {
  const text = inspect(decode(encoded), {
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    maxStringLength: 80,
  })
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** @throws CliError unless the user agrees */
async function askToImport(file: string, plan: RestorePlan, io: CommandIo): Promise<void> {
  const refusal = 'Nothing was changed.'
  // A file on standard input leaves no terminal to answer from.
  if (io.stdin.isTTY !== true || file === '-') {
    throw new CliError(
      EXIT.usage,
      `${refusal} Add --yes to import ${plan.changes.length} entries, or --dry-run to see them.`,
    )
  }
  const message = `Add ${plan.added} entries and change ${plan.changed}?`
  const { stdin: input, stderr: output, signal } = io
  const answer = await confirm({ message, input, output, signal, initialValue: false })
  if (answer !== true) throw new CliError(EXIT.interrupted, refusal)
}
