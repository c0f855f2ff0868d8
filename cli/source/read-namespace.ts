import type { StoredValue } from '../../src/backup/entry.ts'
import type { StorageSource } from './source.ts'

// Above this number, listing a namespace takes fewer calls than reading single entries.
const MAX_SINGLE_READS = 5

/** Reads all entries of a namespace, or the ones of `keys` that exist. */
export async function readNamespace(
  source: StorageSource,
  namespace: string,
  keys?: readonly string[],
): Promise<ReadonlyMap<string, StoredValue>> {
  const found = new Map<string, StoredValue>()
  if (keys !== undefined && keys.length <= MAX_SINGLE_READS) {
    for (const key of keys) {
      const stored = await source.entry(namespace, key)
      if (stored !== undefined) found.set(key, stored)
    }
    return found
  }
  const wanted = keys && new Set(keys)
  for await (const [key, stored] of source.entries(namespace)) {
    if (wanted === undefined || wanted.has(key)) found.set(key, stored)
  }
  return found
}
