import type { StorageRuntime } from '../index.ts'
import { jsonBytes } from './parts.ts'
import { writeCursor } from './cursor.ts'
import type { BackupEntry, EntryName } from './entry.ts'
import { MOST_ENTRIES, PART_BYTES } from './limits.ts'
import { type BackupPart, makePart } from './part.ts'
import { namespacesOf } from './runtime-target.ts'
import { readSlice } from './slice.ts'
import { TRANSIENT } from './transient.ts'

// Each costs a listing, whatever is in it.
const MOST_NAMESPACES = 50

/**
 * A page of a backup: what a runtime holds behind a name, but for what is {@link TRANSIENT}; at most
 * 200 entries and 1 MiB as JSON, or one larger entry. Together the pages, read one after another, hold
 * every entry that was there all the while; what is written meanwhile is in them or not.
 *
 * @throws StoreError what the storage says
 */
export async function readPage(runtime: StorageRuntime, after?: EntryName): Promise<BackupPart> {
  const entries: BackupEntry[] = []
  let bytes = 0
  let read = 0
  const begun = after === undefined ? null : writeCursor(after)
  for (const namespace of await namespacesOf(runtime)) {
    if (after !== undefined && namespace < after.namespace) continue
    if (TRANSIENT.has(namespace)) continue
    const isFull = entries.length >= MOST_ENTRIES || bytes >= PART_BYTES
    if (isFull || (read >= MOST_NAMESPACES && entries.length > 0)) {
      return makePart(begun, entries, false)
    }
    await using store = await runtime.open(namespace)
    const found = await readSlice(store, {
      after: namespace === after?.namespace ? after.key : undefined,
      most: MOST_ENTRIES - entries.length,
      mostBytes: PART_BYTES - bytes,
      strict: entries.length > 0,
    })
    read++
    for (const [key, text] of found.entries) {
      const entry = { namespace, key, ...text }
      entries.push(entry)
      bytes += jsonBytes(entry)
    }
    if (!found.isLast) return await makePart(begun, entries, false)
  }
  return makePart(begun, entries, true)
}

/** Every page of a backup, in order. */
export async function* readPages(runtime: StorageRuntime): AsyncGenerator<BackupPart> {
  let after: EntryName | undefined
  for (;;) {
    const page: BackupPart = await readPage(runtime, after)
    yield page
    after = page.entries.at(-1)
    if (page.next === null || after === undefined) return
  }
}
