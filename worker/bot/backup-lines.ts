import type { StorageRuntime } from 'botshelf'
import { formatEntry, readParts } from 'botshelf/backup'
import { EXCLUDED_FROM_BACKUP } from './excluded-from-backup.ts'

/** The most a backup may take in a conversation, in bytes of UTF-8. */
const MOST_BACKUP_BYTES = 64 * 1024

/**
 * Everything stored, as data: the entries of a backup, a line each, as they are in a file. Above
 * 64 KiB it is one sentence that says how to get it.
 */
export async function backupLines(runtime: StorageRuntime): Promise<readonly string[]> {
  const utf8 = new TextEncoder()
  const lines: string[] = []
  let bytes = 0
  const options = { excludedNamespaces: EXCLUDED_FROM_BACKUP }
  for await (const { entries } of readParts(runtime, options)) {
    for (const entry of entries) {
      const line = formatEntry(entry)
      lines.push(line)
      bytes += utf8.encode(line).length + 1
    }
    if (bytes > MOST_BACKUP_BYTES) {
      return [
        `The backup has more than ${MOST_BACKUP_BYTES} bytes, which do not fit here: take it on the page, or by GET /admin/backup.`,
      ]
    }
  }
  return lines.length === 0 ? ['There is nothing to back up.'] : lines
}
