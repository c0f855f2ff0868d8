import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Backup, BackupError, readBackup } from '../../src/backup/file.ts'
import { readAll } from '../../src/backup/target.ts'
import { type RestoreCounts, planRestore } from '../../src/backup/plan.ts'
import { orUsageError, runCommand, UsageError } from '../command-line.ts'
import { findPlace } from './edge.ts'

/** `npm run restore`. */
export function restore(): Promise<void> {
  return runCommand(async () => {
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
    const [path, ...more] = positionals
    if (path === undefined || more.length > 0) {
      throw new UsageError('Name one backup, such as bot.jsonl.')
    }
    const { contents } = await read(path)
    const { place, storage } = await findPlace(values.url, values.storage)
    const mode = values.replace ? 'replace' : 'merge'
    const found = planRestore(contents, await readAll(place), mode)
    for (const [namespace, counts] of found.namespaces)
      console.log(`${namespace}: ${words(counts)}`)
    console.log(`${storage}: ${words(found)}`)
    if (!values.yes) {
      console.log('Nothing was changed. Do it with --yes.')
      return
    }
    let done = 0
    try {
      await place.apply(found.changes, (count) => (done = count))
    } catch (error) {
      console.error(
        `${done} of ${found.changes.length} changes were made; restoring again makes the rest.`,
      )
      throw error
    }
    console.log('Done.')
  })
}

async function read(path: string): Promise<Backup> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch {
    throw new UsageError(`The backup cannot be read: ${path}`)
  }
  try {
    return readBackup(bytes)
  } catch (error) {
    if (error instanceof BackupError) throw new Error(`${path}: ${error.message}`, { cause: error })
    throw error
  }
}

function words({ added, changed, same, removed }: RestoreCounts): string {
  return `${added} new, ${changed} changed, ${removed} removed, ${same} as before`
}
