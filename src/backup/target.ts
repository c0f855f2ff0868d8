import { checkOptions, FUNCTION, type OptionTypes } from '../arguments.ts'
import type { BackupChange, StoredValue } from './entry.ts'

/** Stored values by namespace and key. */
export type Contents = ReadonlyMap<string, ReadonlyMap<string, StoredValue>>

/**
 * Encoded values by namespace and key that can be backed up and restored. `runtimeTarget` creates a
 * target for a runtime; `remoteTarget` of `botshelf/admin` creates one for a bot behind HTTP.
 *
 * Its methods may reject with a {@link TargetError}, which says whether the whole target or one
 * namespace cannot be read. An error without `scope`, such as a StoreError, counts as `namespace`.
 */
export interface BackupTarget {
  /** Resolves to the names of all namespaces, sorted by code unit. One without entries may be listed. */
  namespaces(): Promise<readonly string[]>
  /** Resolves to the entries of a namespace by key; empty if the namespace does not exist. */
  entries(namespace: string): Promise<ReadonlyMap<string, StoredValue>>
  /**
   * Applies changes in several calls. No two changes may name the same key. An entry that has expired
   * is not stored: `runtimeTarget` removes the value under its key, `remoteTarget` keeps it.
   * After a failure some changes may be applied. Applying all of them again is safe.
   *
   * @param onDone called after each call with the number of changes sent so far, expired ones included
   */
  apply(changes: readonly BackupChange[], onDone?: (done: number) => void): Promise<void>
}

/** An error that says how much of a {@link BackupTarget} it concerns. */
export interface TargetError extends Error {
  /**
   * `target`: nothing of the target can be read, for example because it is offline. `namespace`: other
   * namespaces may be readable.
   */
  readonly scope: 'target' | 'namespace'
}

/** The progress of {@link readAll}. */
export interface ReadProgress {
  /** How many namespaces were read. */
  readonly namespaces: number
  /** How many namespaces there are. */
  readonly of: number
  /** How many entries were read. */
  readonly entries: number
}

/** Options that exclude namespaces from a backup or a restore. */
export interface ExcludeOptions {
  /** Namespaces that the backup omits, or that the restore ignores. Default none. */
  readonly excludedNamespaces?: readonly string[] | undefined
}

/** Options of {@link readAll}. */
export interface ReadAllOptions extends ExcludeOptions {
  /** Called after each namespace. */
  readonly onProgress?: ((progress: ReadProgress) => void) | undefined
}

export const EXCLUDE_OPTIONS: OptionTypes = {
  excludedNamespaces: ['an array of namespaces', Array.isArray],
}
const READ_ALL_OPTIONS: OptionTypes = { ...EXCLUDE_OPTIONS, onProgress: FUNCTION }

/** Thrown if some namespaces cannot be read, while others may be readable. */
export class NamespaceError extends Error {
  override readonly name: string = 'NamespaceError'
  /** The namespaces that cannot be read. */
  readonly namespaces: readonly string[]

  /** @param cause the error for the first of them */
  constructor(namespaces: readonly string[], cause: unknown) {
    const names = namespaces.map((name) => JSON.stringify(name)).join(', ')
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`Cannot read ${names}; other namespaces may be readable. ${reason}`, { cause })
    this.namespaces = namespaces
  }
}

/**
 * Reads every entry of a target, one namespace after another. Namespaces without entries are left out.
 * An entry written meanwhile may be missing.
 *
 * @throws NamespaceError if one namespace cannot be read, because the backup would lack it
 * @throws StoreError `INVALID_VALUE` for invalid options
 * @throws TargetError the error of the target, if its `scope` is `target`
 *
 * @example
 * const contents = await readAll(target, {
 *   excludedNamespaces: ['Sessions'],
 *   onProgress: ({ namespaces, of }) => console.log(`${namespaces} of ${of} namespaces`),
 * })
 */
export async function readAll(target: BackupTarget, options?: ReadAllOptions): Promise<Contents> {
  const { excludedNamespaces = [], onProgress } = checkOptions(options, READ_ALL_OPTIONS)
  const names = (await target.namespaces()).filter((name) => !excludedNamespaces.includes(name))
  const contents = new Map<string, ReadonlyMap<string, StoredValue>>()
  let entries = 0
  for (const [index, name] of names.entries()) {
    const found = await readNamespaceEntries(target, name)
    if (found.size > 0) contents.set(name, found)
    entries += found.size
    onProgress?.({ namespaces: index + 1, of: names.length, entries })
  }
  return contents
}

async function readNamespaceEntries(
  target: BackupTarget,
  namespace: string,
): Promise<ReadonlyMap<string, StoredValue>> {
  try {
    return await target.entries(namespace)
  } catch (error) {
    if ((error as Partial<TargetError> | undefined)?.scope === 'target') throw error
    throw new NamespaceError([namespace], error)
  }
}
