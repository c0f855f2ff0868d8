import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import {
  type BackupChange,
  type BackupEntry,
  byName,
  type StoredValue,
} from '../../src/backup/entry.ts'
import { type Backup, BackupError, formatBackup, parseBackup } from '../../src/backup/index.ts'
import { type ListMode, mergeValues } from '../../src/backup/merge.ts'
import { decode, encode } from '../../src/codec.ts'
import { isLive } from '../../src/index.ts'
import { byCodeUnit } from '../../src/key.ts'
import { isGzip } from '../backup/read-lines.ts'
import { CliError, EXIT } from '../errors.ts'
import type { StorageSource } from './source.ts'

/**
 * Creates a {@link StorageSource} for a backup file, which is compressed if its name ends with `.gz`.
 * Each method reads the file, as a whole. Entries that have expired are read and kept; a merge starts
 * without them.
 */
export function fileSource(file: string): StorageSource {
  const entriesOf = async (namespace: string): Promise<ReadonlyMap<string, StoredValue>> =>
    (await readBackup(file)).contents.get(namespace) ?? new Map<string, StoredValue>()
  return {
    label: file,
    async namespaces() {
      return [...(await readBackup(file)).contents.keys()].toSorted(byCodeUnit)
    },
    async sizes() {
      const { contents } = await readBackup(file)
      const sizes = [...contents].map(([name, { size }]): [string, number] => [name, size])
      return new Map(sizes.toSorted(([a], [b]) => byCodeUnit(a, b)))
    },
    async *keys(namespace, { prefix = '' } = {}) {
      const keys = [...(await entriesOf(namespace)).keys()]
      yield* keys.filter((key) => key.startsWith(prefix)).toSorted(byCodeUnit)
    },
    async *entries(namespace, { prefix = '' } = {}) {
      const entries = [...(await entriesOf(namespace))]
      yield* entries
        .filter(([key]) => key.startsWith(prefix))
        .toSorted(([a], [b]) => byCodeUnit(a, b))
    },
    async entry(namespace, key) {
      return (await entriesOf(namespace)).get(key)
    },
    apply: (changes) => changeFile(file, () => changes),
    merge: (entries, lists) =>
      changeFile(file, ({ contents }) =>
        entries.map((entry) =>
          mergeEntry(contents.get(entry.namespace)?.get(entry.key), entry, lists),
        ),
      ),
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

async function readBackup(file: string): Promise<Backup> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    throw createUnreadableError(file, cause)
  }
  if (isGzip(file)) {
    try {
      bytes = await promisify(gunzip)(bytes)
    } catch (cause) {
      throw new CliError(
        EXIT.input,
        `The backup file ${file} is not complete gzip data: it was cut or altered, or its name should not end with .gz.`,
        { cause },
      )
    }
  }
  try {
    return await parseBackup(bytes)
  } catch (cause) {
    if (!(cause instanceof BackupError)) throw cause
    throw new CliError(EXIT.input, `${file}: ${cause.message}`, { cause })
  }
}

function createUnreadableError(file: string, cause: unknown): CliError {
  return new CliError(EXIT.notFound, `The backup file ${file} cannot be read.`, { cause })
}

/** Replaces the file in one step, so that an interruption leaves the old or the new one. */
async function changeFile(
  given: string,
  planChanges: (backup: Backup) => readonly BackupChange[],
): Promise<void> {
  // A rename would replace a symbolic link instead of the file that it names.
  const file = await realpath(given).catch((cause: unknown) => {
    throw createUnreadableError(given, cause)
  })
  const temporary = `${file}.tmp`
  // It exists from before the file is read, so two changes at the same time cannot lose one of them.
  const handle = await open(temporary, 'wx', 0o600).catch((cause: unknown) => {
    throw createReplaceError(given, cause)
  })
  try {
    const backup = await readBackup(given)
    const contents = applyChanges(backup, planChanges(backup))
    const text = await formatBackup({ ...backup, contents })
    const { mode } = await stat(file)
    await handle.writeFile(isGzip(given) ? await promisify(gzip)(text) : text)
    await handle.chmod(mode)
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

function applyChanges(
  { contents }: Backup,
  changes: readonly BackupChange[],
): Map<string, Map<string, StoredValue>> {
  const changed = new Map([...contents].map(([name, entries]) => [name, new Map(entries)]))
  for (const change of changes.toSorted(byName)) {
    const { namespace, key } = change
    const entries = changed.get(namespace) ?? new Map<string, StoredValue>()
    if ('remove' in change) entries.delete(key)
    else {
      const { value, expires, version } = change
      entries.set(key, { value, expires, version })
    }
    changed.set(namespace, entries)
  }
  return changed
}
