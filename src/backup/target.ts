import { AdminError } from '../admin/client.ts'
import type { BackupChange, StoredText } from './entry.ts'
import { TRANSIENT } from './transient.ts'

/** What is stored, by namespace and key. */
export type Contents = ReadonlyMap<string, ReadonlyMap<string, StoredText>>

/** Where a bot's data is, as an operator sees it: text of `botshelf/codec` under namespaces and keys. */
export interface BackupTarget {
  /** The namespaces there are, sorted by code unit. One whose entries are all gone may be listed. */
  namespaces(): Promise<readonly string[]>
  /** Every entry of a namespace, key by key; none if there is no such namespace. */
  entries(namespace: string): Promise<ReadonlyMap<string, StoredText>>
  /**
   * Makes the changes, of which no two are of one key, in parts. After a failure some of them may
   * be made; all of them can then be made again, as made twice is the same as once. A value that has
   * expired is removed. `onDone` gets how many are done so far.
   */
  apply(changes: readonly BackupChange[], onDone?: (done: number) => void): Promise<void>
}

/** How far {@link readAll} is. */
export interface Reading {
  /** The namespaces that were read, and how many there are. */
  readonly namespaces: number
  readonly of: number
  /** The entries that were read. */
  readonly entries: number
}

/** Why a namespace cannot be read. Others may be readable all the same. */
export class NamespaceError extends Error {
  override readonly name: string = 'NamespaceError'
  /** Those that cannot be read. */
  readonly namespaces: readonly string[]

  /** @param cause what the place said of the first of them */
  constructor(namespaces: readonly string[], cause: unknown) {
    const names = namespaces.map((name) => JSON.stringify(name)).join(', ')
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`What is in ${names} cannot be read; the others can still be seen. ${why}`, { cause })
    this.namespaces = namespaces
  }
}

/**
 * Everything of a place but what is {@link TRANSIENT}; a namespace without entries is left out,
 * since some storages still list it. What is written meanwhile is in it or not: one namespace is read after another.
 *
 * @throws NamespaceError if one of them cannot be read: it would be missing without a word; what
 * the place says if none can
 */
export async function readAll(
  place: BackupTarget,
  onProgress: (reading: Reading) => void = () => {},
): Promise<Contents> {
  const names = (await place.namespaces()).filter((name) => !TRANSIENT.has(name))
  const contents = new Map<string, ReadonlyMap<string, StoredText>>()
  let entries = 0
  for (const [index, name] of names.entries()) {
    const found = await readOne(place, name)
    if (found.size > 0) contents.set(name, found)
    entries += found.size
    onProgress({ namespaces: index + 1, of: names.length, entries })
  }
  return contents
}

async function readOne(
  place: BackupTarget,
  namespace: string,
): Promise<ReadonlyMap<string, StoredText>> {
  try {
    return await place.entries(namespace)
  } catch (error) {
    // The others are no better off where the edge is away or refuses.
    if (error instanceof AdminError && error.status !== 500) throw error
    throw new NamespaceError([namespace], error)
  }
}
