import type { Command } from 'commander'
import { MAX_ENTRY_BYTES } from '../../src/admin/http.ts'
import { jsonBytes, MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES } from '../../src/backup/chunks.ts'
import { decodeCursor } from '../../src/backup/cursor.ts'
import type { BackupEntry } from '../../src/backup/entry.ts'
import { type BackupPart, createPart } from '../../src/backup/part.ts'
import { type BackupFile, openBackupFile } from '../backup/backup-file.ts'
import { formatEntries } from '../backup/progress.ts'
import { modeOf, type RestoreFlags, runRestore } from '../backup/run-restore.ts'
import { resumable } from '../backup/transfer.ts'
import { type ConnectionOptions, readConnection, withConnectionOptions } from '../connection.ts'
import { type CommandIo, printLines } from '../io.ts'
import { requireConfirmation } from '../confirm.ts'

/** Adds `botshelf restore`. */
export function addRestoreCommand(program: Command, io: CommandIo): void {
  withConnectionOptions(program.command('restore'))
    .description('write the entries of a backup file to a storage')
    .argument('<file>', 'a file that backup wrote; one that ends with .gz is decompressed')
    .option('--replace', 'remove the entries that the file does not have; default: keep them')
    .option('--dry-run', 'print what would change, and change nothing')
    .option('--verbose', 'with --dry-run, print each entry that would change')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print a summary as JSON')
    .addHelpText(
      'after',
      `
The whole file is checked first: a file that is cut, altered or of a later version changes nothing.
After an interruption the same command continues: FILE.restore has the state.

Examples:
  $ botshelf restore bot.jsonl --url https://bot.example.com --dry-run
  $ botshelf restore bot.jsonl --url https://bot.example.com
  $ botshelf restore bot.jsonl.gz --storage CloudflareKV --replace --yes`,
    )
    .action(async (path: string, options: ConnectionOptions & RestoreFlags) => {
      const to = await readConnection(options, io)
      const confirm = requireConfirmation(io, { yes: options.yes ?? options.dryRun })
      const startedAt = performance.now()
      const { signal } = io
      const file = await resumable(
        signal,
        () => 'Nothing was changed.',
        () => openBackupFile(path, { maxEntryBytes: MAX_ENTRY_BYTES, signal }),
      )
      const job = {
        confirm,
        to,
        source: path,
        total: file.size,
        partsAfter: (after: string | null) => partsAfter(file, after),
        entries: () => file.entries(),
        statePath: `${path}.restore`,
        identity: {
          url: to.url,
          basePath: to.basePath,
          storage: to.storage ?? null,
          sha256: file.sha256,
        },
      }
      const entries = await runRestore(job, options, io)
      if (entries === undefined) return
      const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(3))
      if (options.json) {
        const summary = { file: path, url: to.url, mode: modeOf(options), entries, seconds }
        await printLines(io, [JSON.stringify(summary)])
      } else io.stderr.write(`${formatEntries(entries)} of ${path} are restored to ${to.url}.\n`)
    })
}

/** Reads the parts of a file that start after a cursor; always the same for the same cursor. */
async function* partsAfter(
  file: BackupFile,
  start: string | null,
): AsyncGenerator<BackupPart, void, undefined> {
  let after = start
  let entries: BackupEntry[] = []
  let bytes = 0
  for await (const entry of file.entries(start === null ? undefined : decodeCursor(start))) {
    const size = jsonBytes(entry)
    const isFull = entries.length === MAX_CHUNK_ENTRIES || bytes + size > MAX_CHUNK_BYTES
    if (entries.length > 0 && isFull) {
      const part: BackupPart = await createPart({ after, entries, isLast: false })
      yield part
      after = part.next
      entries = []
      bytes = 0
    }
    entries.push(entry)
    bytes += size
  }
  yield await createPart({ after, entries, isLast: true })
}
