import { checkOptions } from '../arguments.ts'
import type { StorageRuntime } from '../index.ts'
import { jsonBytes, MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES } from './chunks.ts'
import { encodeCursor } from './cursor.ts'
import type { BackupEntry, EntryName } from './entry.ts'
import { type BackupPart, createPart } from './part.ts'
import { listNamespaces } from './runtime-target.ts'
import { readSlice } from './slice.ts'
import { EXCLUDE_OPTIONS, type ExcludeOptions } from './target.ts'

// Each namespace costs a listing, also if it is empty, and a Worker may make 1,000 subrequests. A part
// without entries cannot have a cursor, so empty namespaces are listed beyond 50 until one has entries.
const MAX_NAMESPACES_PER_PART = 50

/** Options of {@link readPart}. */
export interface ReadPartOptions extends ExcludeOptions {
  /** The entry after which the part starts, usually the last one of the previous part. */
  readonly after?: EntryName | undefined
}

/**
 * Reads one part of a backup: at most 200 entries whose keys and values take at most 1 MiB as JSON, or
 * a single larger entry. Namespaces and field names come on top. The parts together have every entry
 * that existed during the whole backup; an entry written meanwhile may be missing.
 *
 * @throws StoreError of the storage
 */
export async function readPart(
  runtime: StorageRuntime,
  { after, excludedNamespaces = [] }: ReadPartOptions = {},
): Promise<BackupPart> {
  const entries: BackupEntry[] = []
  let bytes = 0
  let namespacesRead = 0
  const cursor = after === undefined ? null : encodeCursor(after)
  for await (const namespace of namespacesFrom(runtime, after?.namespace)) {
    if (excludedNamespaces.includes(namespace)) continue
    const isFull = entries.length >= MAX_CHUNK_ENTRIES || bytes >= MAX_CHUNK_BYTES
    if (isFull || (namespacesRead >= MAX_NAMESPACES_PER_PART && entries.length > 0)) {
      return createPart({ after: cursor, entries, isLast: false })
    }
    await using store = await runtime.open(namespace)
    const slice = await readSlice(store, {
      after: namespace === after?.namespace ? after.key : undefined,
      maxEntries: MAX_CHUNK_ENTRIES - entries.length,
      maxBytes: MAX_CHUNK_BYTES - bytes,
      allowOversizedEntry: entries.length === 0,
    })
    namespacesRead++
    for (const [key, stored] of slice.entries) {
      const entry = { namespace, key, ...stored }
      entries.push(entry)
      bytes += jsonBytes(entry)
    }
    if (!slice.isLast) return await createPart({ after: cursor, entries, isLast: false })
  }
  return createPart({ after: cursor, entries, isLast: true })
}

/**
 * Returns the names of the namespaces from `first` on. They are listed only after `first`, because a
 * listing on Workers KV lists every key, and most parts of a large backup end within one namespace.
 */
async function* namespacesFrom(
  runtime: StorageRuntime,
  first: string | undefined,
): AsyncGenerator<string, void, undefined> {
  if (first !== undefined) yield first
  for (const name of await listNamespaces(runtime)) {
    if (first === undefined || name > first) yield name
  }
}

/**
 * Reads a backup part by part, in order, so that only one of them is in memory.
 *
 * @throws StoreError `INVALID_VALUE` for invalid options, or an error of the storage
 *
 * @example
 * for await (const { entries } of readParts(runtime)) {
 *   for (const entry of entries) console.log(formatEntry(entry))
 * }
 */
export async function* readParts(
  runtime: StorageRuntime,
  options?: ExcludeOptions,
): AsyncGenerator<BackupPart> {
  const checked = checkOptions(options, EXCLUDE_OPTIONS)
  let after: EntryName | undefined
  for (;;) {
    const part: BackupPart = await readPart(runtime, { ...checked, after })
    yield part
    after = part.entries.at(-1)
    if (part.next === null || after === undefined) return
  }
}
