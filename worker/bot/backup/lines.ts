import { encode } from '../../../src/codec.js'
import type { StorageRuntime } from '../../../src/index.js'
import { entryLine } from './entry.js'

/** The most a backup may take in a conversation, in bytes of UTF-8. */
export const MOST_BACKUP_BYTES: number = 64 * 1024

/**
 * Everything stored, as data: the entries of a backup, a line each, as they are in a file. Above
 * 64 KiB it is one sentence that says how large it would be.
 */
export async function backupLines(runtime: StorageRuntime): Promise<readonly string[]> {
  const utf8 = new TextEncoder()
  const lines: string[] = []
  let entries = 0
  let bytes = 0
  for await (const namespace of runtime.namespaces()) {
    await using store = await runtime.open(namespace)
    for await (const [key, value] of store) {
      const line = entryLine({ namespace, key, value: encode(value) })
      entries++
      bytes += utf8.encode(line).length + 1
      if (bytes <= MOST_BACKUP_BYTES) lines.push(line)
      else lines.length = 0
    }
  }
  if (bytes > MOST_BACKUP_BYTES) {
    return [
      `The backup has ${entries} entries and ${bytes} bytes; at most ${MOST_BACKUP_BYTES} fit here.`,
    ]
  }
  return entries === 0 ? ['There is nothing to back up.'] : lines
}
