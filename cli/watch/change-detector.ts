import { createHash } from 'node:crypto'
import type { EntryName, StoredValue } from '../../src/backup/entry.ts'
import type { DifferenceKind } from '../difference.ts'
import { CliError, EXIT } from '../errors.ts'
import type { StorageSource } from '../source/source.ts'

/** The most entries that are watched, because each one takes memory. */
export const MAX_WATCHED_ENTRIES = 10_000

/** What is watched. */
export interface Watched {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined
  /** Only keys that begin with this. */
  readonly prefix?: string | undefined
}

/** A change that was found. A removed entry has no `stored`. */
export interface DetectedChange extends EntryName {
  readonly kind: DifferenceKind
  readonly stored?: StoredValue | undefined
}

/** Compares the entries of a storage with what they were before. */
export class ChangeDetector {
  readonly #source: StorageSource
  readonly #watched: Watched
  // The digest of each entry, by namespace and key. A value may be large.
  readonly #known = new Map<string, string>()

  constructor(source: StorageSource, watched: Watched) {
    this.#source = source
    this.#watched = watched
  }

  /** How many entries there are. */
  get size(): number {
    return this.#known.size
  }

  /** Reads all entries as they are now. */
  async load(): Promise<void> {
    const changes = this.poll()
    while ((await changes.next()).done !== true);
  }

  /**
   * Reads all entries and yields what changed since the last call; after a failure the next call goes on.
   *
   * @throws CliError if there are too many entries
   */
  async *poll(): AsyncGenerator<DetectedChange> {
    const { namespace: only } = this.#watched
    const found = new Set<string>()
    for (const namespace of only === undefined ? await this.#source.namespaces() : [only]) {
      for await (const [key, stored] of this.#source.entries(namespace, this.#watched)) {
        const name = JSON.stringify([namespace, key])
        found.add(name)
        if (found.size > MAX_WATCHED_ENTRIES) throw createTooManyError(only)
        const before = this.#known.get(name)
        const digest = digestOf(stored)
        if (before === digest) continue
        this.#known.set(name, digest)
        yield { kind: before === undefined ? 'added' : 'changed', namespace, key, stored }
      }
    }
    for (const name of this.#known.keys()) {
      if (found.has(name)) continue
      this.#known.delete(name)
      const [namespace, key] = JSON.parse(name) as [namespace: string, key: string]
      yield { kind: 'removed', namespace, key }
    }
  }
}

function digestOf({ value, expires, version }: StoredValue): string {
  const text = JSON.stringify([value, expires, version])
  return createHash('sha256').update(text).digest('base64')
}

function createTooManyError(namespace: string | undefined): CliError {
  const what =
    namespace === undefined ? 'The storage' : `The namespace ${JSON.stringify(namespace)}`
  const advice =
    namespace === undefined
      ? 'Name a namespace.'
      : 'Limit it with --prefix, such as --prefix user:.'
  return new CliError(
    EXIT.failed,
    `${what} has more than ${MAX_WATCHED_ENTRIES} entries, which watch does not keep in memory. ${advice}`,
  )
}
