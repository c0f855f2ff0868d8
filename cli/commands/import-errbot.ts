import { type Command, Option } from 'commander'
import { planRestore, type RestorePlan } from '../../src/backup/plan.ts'
import type { Contents } from '../../src/backup/target.ts'
import { requireConfirmation } from '../confirm.ts'
import { compare, printDifferences } from '../difference.ts'
import { readErrbotFile } from '../errbot/read-errbot-file.ts'
import { type CommandIo, printLines } from '../io.ts'
import { openSource, type SourceOptions, withSourceOptions } from '../source/open-source.ts'
import { readNamespace } from '../source/read-namespace.ts'
import type { StorageSource } from '../source/source.ts'
import { count, formatName, toJsonText } from '../text.ts'

interface ImportOptions extends SourceOptions {
  readonly namespace?: string
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly dryRun?: true
  readonly yes?: true
  readonly json?: true
}

/** Adds `botshelf import-errbot`. */
export function addImportErrbotCommand(program: Command, io: CommandIo): void {
  withSourceOptions(program.command('import-errbot'))
    .argument(
      '<errbot-file>',
      'the backup.py of !backup, or what errbot --storage-get prints; - is stdin',
    )
    .description('import the storage of an Errbot; other entries are kept')
    .addOption(
      new Option(
        '--namespace <name>',
        'the namespace of what errbot --storage-get prints',
      ).conflicts(['only', 'skip']),
    )
    .option('--only <name...>', 'of a backup.py, import only these namespaces')
    .option('--skip <name...>', 'of a backup.py, leave out these namespaces')
    .option('--dry-run', 'print the difference and change nothing')
    .option('-y, --yes', 'do not ask')
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

async function importErrbot(
  errbotFile: string,
  options: ImportOptions,
  io: CommandIo,
): Promise<void> {
  const { dryRun = false, json = false, yes } = options
  const imported = await readErrbotFile(errbotFile, io.stdin, options)
  const source = await openSource(options, io)
  const current = await readCurrent(source, imported)
  const plan = planRestore(imported, current, 'merge')
  const { added, changed, same, changes } = plan
  if (!dryRun && changes.length > 0) {
    const confirm = requireConfirmation(io, { yes, readsStdin: errbotFile === '-' })
    await confirm(`Add ${count(added, 'entry')} and change ${changed}?`)
    await source.apply(changes)
  }
  if (json) {
    const counts = { added, changed, same, namespaces: Object.fromEntries(plan.namespaces) }
    await printLines(io, [toJsonText({ applied: !dryRun, ...counts })])
  } else if (dryRun) {
    await printPlan(io, plan, current)
    await printLines(io, [`Would add ${added} and change ${changed}; ${same} are the same.`])
  } else {
    await printLines(io, [`Added ${added} and changed ${changed}; ${same} were the same.`])
  }
}

/** Reads the stored entries that the import may change, page by page. */
async function readCurrent(source: StorageSource, imported: Contents): Promise<Contents> {
  const current = new Map<string, Awaited<ReturnType<typeof readNamespace>>>()
  for (const [namespace, entries] of imported) {
    current.set(namespace, await readNamespace(source, namespace, [...entries.keys()]))
  }
  return current
}

async function printPlan(io: CommandIo, plan: RestorePlan, current: Contents): Promise<void> {
  for (const namespace of plan.namespaces.keys()) {
    const changes = plan.changes.filter((change) => change.namespace === namespace)
    if (changes.length === 0) continue
    await printLines(io, [`${formatName(namespace)}:`])
    await printDifferences(io, compare(changes, current.get(namespace) ?? new Map()), {})
  }
}
