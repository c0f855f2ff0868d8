import { createHash } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  type BackupChange,
  type BackupEntry,
  byName,
  type EntryName,
  formatEntry,
  type StoredValue,
} from '../../src/backup/entry.ts'
import { type BackupHeader, formatFooter, formatHeader } from '../../src/backup/lines.ts'
import { type ListMode, mergeValues } from '../../src/backup/merge.ts'
import { decode, encode } from '../../src/codec.ts'
import { isLive } from '../../src/index.ts'
import { openBackupFile } from '../backup/backup-file.ts'
import { isGzip } from '../backup/read-lines.ts'
import { CliError, createReadError, EXIT } from '../errors.ts'
import type { PrefixOptions, StorageSource } from './source.ts'

/**
 * Creates a {@link StorageSource} for a backup file, which is compressed if its name ends with `.gz`.
 * Each method validates the whole file. Entries that have expired are read and kept; a merge starts
 * without them.
 */
export function fileSource(file: string): StorageSource {
  const sizes = async (): Promise<ReadonlyMap<string, number>> => {
    const found = new Map<string, number>()
    for await (const { namespace } of (await openBackupFile(file)).entries()) {
      found.set(namespace, (found.get(namespace) ?? 0) + 1)
    }
    return found
  }
  async function* entries(
    namespace: string,
    { prefix = '' }: PrefixOptions = {},
  ): AsyncGenerator<[key: string, StoredValue]> {
    for await (const { key, ...entry } of (await openBackupFile(file)).entries()) {
      if (entry.namespace !== namespace || !key.startsWith(prefix)) continue
      const { value, expires, version } = entry
      yield [key, { value, expires, version }]
    }
  }
  return {
    label: file,
    namespaces: async () => [...(await sizes()).keys()],
    sizes,
    async *keys(namespace, options) {
      for await (const [key] of entries(namespace, options)) yield key
    },
    entries,
    async entry(namespace, wanted) {
      for await (const [key, stored] of entries(namespace)) if (key === wanted) return stored
      return undefined
    },
    apply: (changes) => changeFile(file, () => changes),
    merge: (merged, lists) =>
      changeFile(file, (find) => merged.map((entry) => mergeEntry(find(entry), entry, lists))),
  }
}

/** Merges an entry into the stored value, which keeps its expiry and its version. */
export function mergeEntry(
  stored: StoredValue | undefined,
  entry: BackupEntry,
  lists: ListMode,
): BackupEntry {
  if (stored === undefined || !isLive(stored, Date.now())) return entry
  const value = encode(mergeValues(decode(stored.value), decode(entry.value), lists))
  return { ...entry, ...stored, value }
}

/** Replaces the file in one step, so that an interruption leaves the old or the new one. */
async function changeFile(
  given: string,
  planChanges: (find: (name: EntryName) => BackupEntry | undefined) => readonly BackupChange[],
): Promise<void> {
  // A rename would replace a symbolic link instead of the file that it names.
  const file = await realpath(given).catch((cause: unknown) => {
    throw createReadError(given, cause)
  })
  const temporary = `${file}.tmp`
  // It exists from before the file is read, so two changes at the same time cannot lose one of them.
  const handle = await open(temporary, 'wx', 0o600).catch((cause: unknown) => {
    throw createReplaceError(given, cause)
  })
  try {
    const backup = await openBackupFile(given)
    const entries = new Map<string, BackupEntry>()
    for await (const entry of backup.entries()) entries.set(toMapKey(entry), entry)
    for (const change of planChanges((name) => entries.get(toMapKey(name)))) {
      if ('remove' in change) entries.delete(toMapKey(change))
      else entries.set(toMapKey(change), change)
    }
    const text = formatFile(backup.header, [...entries.values()].toSorted(byName))
    await handle.writeFile(isGzip(given) ? await promisify(gzip)(text) : text)
    await handle.chmod((await stat(file)).mode)
    await handle.sync()
    await rename(temporary, file)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw cause instanceof Error && 'errno' in cause ? createReplaceError(given, cause) : cause
  } finally {
    await handle.close()
  }
}

function createReplaceError(file: string, cause: unknown): CliError {
  const { code, message, path = `${file}.tmp` } = cause as NodeJS.ErrnoException
  const reason =
    code === 'EEXIST'
      ? `Another command changes ${file}, or was ended before it was done; if none runs, remove ${path}.`
      : `The backup file ${file} cannot be replaced: ${message}.`
  return new CliError(EXIT.failed, `${reason} Nothing was changed.`, { cause })
}

function toMapKey({ namespace, key }: EntryName): string {
  return JSON.stringify([namespace, key])
}

function formatFile(header: BackupHeader, entries: readonly BackupEntry[]): string {
  const text = [formatHeader(header), ...entries.map(formatEntry), ''].join('\n')
  const sha256 = createHash('sha256').update(text).digest('hex')
  return `${text}${formatFooter({ entries: entries.length, sha256 })}\n`
}
