import { type BackupEntry, byName } from '../../../src/backup/entry.ts'
import { readAll } from '../../../src/backup/target.ts'
import { runtimeTarget } from '../../../src/backup/runtime-target.ts'
import { encode } from '../../../src/codec.ts'
import type { StorageRuntime } from '../../../src/index.ts'

/** 500 entries in two namespaces, sorted by name: three parts of a backup. */
export const ENTRIES: readonly BackupEntry[] = Array.from({ length: 500 }, (_, index) => ({
  namespace: index < 250 ? 'Factoids' : 'Karma',
  key: `key ${index}`,
  value: encode(index % 7 === 0 ? new Map([[index, 'ü']]) : index),
  ...(index % 11 === 0 && { expires: 4e12 + index }),
  ...(index % 13 === 0 && { version: 1 + index }),
})).toSorted(byName)

/** Stores entries. */
export async function store(
  runtime: StorageRuntime,
  entries: readonly BackupEntry[],
): Promise<void> {
  await runtimeTarget(runtime).apply(entries)
}

/** Resolves to all entries, sorted by name. */
export async function readEntries(runtime: StorageRuntime): Promise<readonly BackupEntry[]> {
  const contents = await readAll(runtimeTarget(runtime))
  return [...contents]
    .flatMap(([namespace, entries]) =>
      [...entries].map(([key, stored]) => ({ namespace, key, ...stored })),
    )
    .toSorted(byName)
}

/** Removes all entries. */
export async function clear(runtime: StorageRuntime): Promise<void> {
  for (const { namespace } of await readEntries(runtime)) {
    await (await runtime.open(namespace)).clear()
  }
}
