import type { BackupChange, StoredText } from './entry.ts'

/** Stored values by namespace and key. */
export type Contents = ReadonlyMap<string, ReadonlyMap<string, StoredText>>

/**
 * A place that can be backed up and restored: text of `botshelf/codec` under namespaces and keys.
 * `runtimeTarget` makes one of a runtime, `remoteTarget` of `botshelf/admin` one of a bot behind HTTP.
 *
 * Its methods may reject with an error that has `scope: 'target'`: then nothing of the target can be
 * read, for example because it is offline. Any other error concerns the namespace that was named.
 */
export interface BackupTarget {
  /** Resolves to the namespaces, sorted by code unit. One without entries may be listed. */
  namespaces(): Promise<readonly string[]>
  /** Resolves to the entries of a namespace by key; empty if the namespace does not exist. */
  entries(namespace: string): Promise<ReadonlyMap<string, StoredText>>
  /**
   * Applies changes in several calls; no two may name the same key. An expired value is removed.
   * After a failure some changes may be applied. Applying all of them again is safe.
   *
   * @param onDone gets the number of changes applied so far
   */
  apply(changes: readonly BackupChange[], onDone?: (done: number) => void): Promise<void>
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

/** Options that say which namespaces a backup or a restore leaves alone. */
export interface ExcludeOptions {
  /** Namespaces that are neither read nor changed. Default none. */
  readonly excludedNamespaces?: readonly string[] | undefined
}

/** Options of {@link readAll}. */
export interface ReadAllOptions extends ExcludeOptions {
  /** Called after each namespace. */
  readonly onProgress?: ((progress: ReadProgress) => void) | undefined
}

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
 * @throws the target's own error if it has `scope: 'target'`
 *
 * @example
 * const contents = await readAll(target, {
 *   excludedNamespaces: ['Sessions'],
 *   onProgress: ({ namespaces, of }) => console.log(`${namespaces} of ${of} namespaces`),
 * })
 */
export async function readAll(
  target: BackupTarget,
  { excludedNamespaces = [], onProgress }: ReadAllOptions = {},
): Promise<Contents> {
  const names = (await target.namespaces()).filter((name) => !excludedNamespaces.includes(name))
  const contents = new Map<string, ReadonlyMap<string, StoredText>>()
  let entries = 0
  for (const [index, name] of names.entries()) {
    const found = await readNamespace(target, name)
    if (found.size > 0) contents.set(name, found)
    entries += found.size
    onProgress?.({ namespaces: index + 1, of: names.length, entries })
  }
  return contents
}

async function readNamespace(
  target: BackupTarget,
  namespace: string,
): Promise<ReadonlyMap<string, StoredText>> {
  try {
    return await target.entries(namespace)
  } catch (error) {
    if ((error as { readonly scope?: unknown } | undefined)?.scope === 'target') throw error
    throw new NamespaceError([namespace], error)
  }
}
