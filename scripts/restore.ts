// Restores a backup of any storage into a running bot:
// npm run restore -- bot.jsonl --url https://bot.example.com [--storage CloudflareKV] [--replace] [--yes]
// Without --yes it only prints what it would change. --replace also removes what the backup does not
// name. The operator's token is in ADMIN_TOKEN, or in the address as #token=...
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  type Backup,
  BackupError,
  planRestore,
  readAll,
  parseBackup,
  type RestoreCounts,
  type RestorePlan,
  type BackupTarget,
} from 'botshelf/backup'
import { EXCLUDED_FROM_BACKUP } from '../worker/bot/excluded-from-backup.ts'
import { orUsageError, runCommand, UsageError } from './command-line.ts'
import { findTarget } from './find-target.ts'

const EXCLUDED = { excludedNamespaces: EXCLUDED_FROM_BACKUP }

await runCommand(async () => {
  const { values, positionals } = orUsageError(() =>
    parseArgs({
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        storage: { type: 'string' },
        replace: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
      },
    }),
  )
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0) {
    throw new UsageError('Name one backup, such as bot.jsonl.')
  }
  const { contents } = await readFileAsBackup(path)
  const { target, storage } = await findTarget(values.url, values.storage)
  const mode = values.replace ? 'replace' : 'merge'
  const plan = planRestore(contents, await readAll(target, EXCLUDED), mode, EXCLUDED)
  for (const [namespace, counts] of plan.namespaces) {
    console.log(`${namespace}: ${formatCounts(counts)}`)
  }
  console.log(`${storage}: ${formatCounts(plan)}`)
  if (!values.yes) {
    console.log('Nothing was changed. Do it with --yes.')
    return
  }
  await apply(plan, target)
  console.log('Done.')
})

async function readFileAsBackup(path: string): Promise<Backup> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch {
    throw new UsageError(`The backup cannot be read: ${path}`)
  }
  try {
    return parseBackup(bytes)
  } catch (error) {
    if (error instanceof BackupError) throw new Error(`${path}: ${error.message}`, { cause: error })
    throw error
  }
}

async function apply({ changes }: RestorePlan, target: BackupTarget): Promise<void> {
  let done = 0
  try {
    await target.apply(changes, (count) => (done = count))
  } catch (error) {
    console.error(
      `${done} of ${changes.length} changes were made; restore again to make the others.`,
    )
    throw error
  }
}

function formatCounts({ added, changed, same, removed }: RestoreCounts): string {
  return `${added} new, ${changed} changed, ${removed} removed, ${same} as before`
}
