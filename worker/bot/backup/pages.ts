import type { StorageRuntime } from '../../../src/index.js'
import type { BackupEntry, EntryName } from './entry.js'
import { type BackupPart, makePart, MOST_PART_ENTRIES } from './part.js'
import { writeCursor } from './cursor.js'
import { namespacesOf } from './runtime-place.js'
import { readSlice } from './slice.js'

const MOST_BYTES = 1024 * 1024
// Each costs a listing, whatever is in it.
const MOST_NAMESPACES = 50

/**
 * A page of a backup: what a runtime holds behind a name, at most 200 entries and 1 MiB, or one
 * larger entry. Together the pages, read one after another, hold every entry that was there all the
 * while; what is written meanwhile is in them or not.
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
    const isFull = entries.length >= MOST_PART_ENTRIES || bytes >= MOST_BYTES
    if (isFull || (read >= MOST_NAMESPACES && entries.length > 0)) {
      return makePart(begun, entries, false)
    }
    await using store = await runtime.open(namespace)
    const found = await readSlice(store, {
      after: namespace === after?.namespace ? after.key : undefined,
      most: MOST_PART_ENTRIES - entries.length,
      mostBytes: MOST_BYTES - bytes,
    })
    read++
    for (const [key, text] of found.entries) {
      entries.push({ namespace, key, ...text })
      bytes += text.value.length
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
