import { compareUtf8 } from '../../src/key.ts'
import type { KeysOptions } from '../../src/storage.ts'
import { type KVBinding, listPages } from './binding.ts'
import type { Metadata } from './stored-entry.ts'

/** One key of a listing, without the prefix of its namespace. */
export interface ListedKey {
  readonly key: string
  readonly metadata: Metadata
}

/** Lists keys in pages, in the order of KV: by byte of UTF-8. Expired ones are included. */
export async function* listKeys(
  kv: KVBinding,
  keyPrefix: string,
  { prefix = '', after, limit, reverse = false }: KeysOptions,
): AsyncGenerator<readonly ListedKey[]> {
  // Miniflare 5.20261102 lists nothing for a prefix that contains NUL.
  const [listable = ''] = prefix.split('\0', 1)
  // KV lists from the first key and upwards only, so other listings must skip keys.
  const isDirect = after === undefined && !reverse
  const collected: ListedKey[] = []
  for await (const page of listPages(kv, keyPrefix + listable, isDirect ? limit : undefined)) {
    const keys: ListedKey[] = []
    for (const { name, metadata } of page) {
      const key = name.slice(keyPrefix.length)
      if (!key.startsWith(prefix)) continue
      if (after !== undefined && compareUtf8(key, after) * (reverse ? -1 : 1) <= 0) continue
      keys.push({ key, metadata: metadata ?? {} })
    }
    if (reverse) collected.push(...keys)
    else yield keys
  }
  if (reverse) yield collected.toReversed()
}

/** Whether the metadata of a key lacks its entry, so that a listing must get the value. */
export function needsRead({ metadata }: ListedKey): boolean {
  return metadata.t === undefined
}

/**
 * Splits pages into parts of which each needs at most `maxReads` reads, and at the key with which
 * `limit` keys have been listed.
 */
export async function* splitByReads(
  pages: AsyncIterable<readonly ListedKey[]>,
  maxReads: number,
  limit: number,
): AsyncGenerator<readonly ListedKey[]> {
  let listed = 0
  for await (const page of pages) {
    let start = 0
    let reads = 0
    for (const [i, key] of page.entries()) {
      if (needsRead(key)) reads++
      listed++
      if (reads < maxReads && listed !== limit) continue
      yield page.slice(start, i + 1)
      start = i + 1
      reads = 0
    }
    if (start < page.length) yield page.slice(start)
  }
}
