// Prints a backup of a running bot, the same file that its page makes:
// npm run --silent backup -- --url https://bot.example.com [--storage CloudflareKV] > new.jsonl
// The operator's token is in ADMIN_TOKEN, or in the address as #token=...
import process from 'node:process'
import { parseArgs } from 'node:util'
import { readAll, formatBackup } from 'botshelf/backup'
import { EXCLUDED_FROM_BACKUP } from '../worker/bot/excluded-from-backup.ts'
import { orUsageError, runCommand } from './command-line.ts'
import { findTarget } from './find-target.ts'

await runCommand(async () => {
  const { values } = orUsageError(() =>
    parseArgs({ options: { url: { type: 'string' }, storage: { type: 'string' } } }),
  )
  const { target, storage } = await findTarget(values.url, values.storage)
  const contents = await readAll(target, { excludedNamespaces: EXCLUDED_FROM_BACKUP })
  const entries = [...contents.values()].reduce((sum, { size }) => sum + size, 0)
  process.stdout.write(formatBackup({ at: new Date().toISOString(), storage, contents }))
  console.error(`${entries} entries of ${storage}.`)
})
