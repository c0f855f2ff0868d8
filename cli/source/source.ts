import type { BackupChange, BackupEntry, StoredValue } from '../../src/backup/entry.ts'
import type { ListMode } from '../../src/backup/merge.ts'

/** What the commands read and change: a storage of a running bot, or a backup file. */
export interface StorageSource {
  /** How messages name it, such as `https://bot.example.com/` or `bot.jsonl`. */
  readonly label: string
  /** Resolves to the names of all namespaces, sorted by code unit. */
  namespaces(): Promise<readonly string[]>
  /** Resolves to the number of entries of each namespace, sorted by name. */
  sizes(): Promise<ReadonlyMap<string, number>>
  /** Lists the keys of a namespace, sorted by code unit, page by page; none if it does not exist. */
  keys(namespace: string, options?: PrefixOptions): AsyncIterable<string>
  /** Lists the entries of a namespace, sorted by key, page by page. */
  entries(namespace: string, options?: PrefixOptions): AsyncIterable<[key: string, StoredValue]>
  /** Resolves to one entry; `undefined` if it does not exist. */
  entry(namespace: string, key: string): Promise<StoredValue | undefined>
  /**
   * Sets and removes entries; first it sets all. No two changes may name the same key. A failure of a
   * bot says how many changes were made; repeating all is safe. A file is changed as a whole.
   */
  apply(changes: readonly BackupChange[]): Promise<void>
  /**
   * Merges entries of one namespace into the values under their keys, which keep their expiry. A failure
   * of a bot says how many entries were merged. A file is changed as a whole.
   */
  merge(entries: readonly BackupEntry[], lists: ListMode): Promise<void>
}

/** Limits a listing. */
export interface PrefixOptions {
  /** Only keys that begin with this. */
  readonly prefix?: string | undefined
}

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
