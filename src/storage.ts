import {
  readStorageConfig,
  type BotConfig,
  type ConfigFields,
  type StorageConfig,
} from './config.ts'
import { toStoreError, StoreError } from './errors.ts'

/**
 * What a storage keeps under a key. It is opaque to an author: a plain object of the value domain,
 * to be kept whole and given back equal. Neither side changes one after handing it over.
 */
export interface Entry {
  readonly value: unknown
  /** Unique per write and chosen by the writer. */
  readonly version: string
  /** When the entry expires, in milliseconds since 1970; absent: never. */
  readonly expires?: number
}

/**
 * One write. With `ifVersion` it holds only if the entry has that version now;
 * `null` means only if there is no entry.
 */
export type Change = SetChange | RemoveChange

export interface SetChange {
  readonly key: string
  readonly entry: Entry
  /** The size of key and value as the core measured it, in bytes. */
  readonly bytes: number
  readonly ifVersion?: string | null
}

export interface RemoveChange {
  readonly key: string
  readonly remove: true
  readonly ifVersion?: string | null
}

/** What became of one group of changes: applied whole, a condition that did not hold, or an error. */
export type Outcome = 'applied' | 'conflict' | StoreError

/** What a storage promises. The core and the conformance suite act on it. */
export interface Traits {
  /**
   * How far a conditional commit holds: for every client of the backend, for every tab of the
   * origin, for users of this one instance, or not at all.
   */
  readonly atomic: 'global' | 'origin' | 'instance' | 'none'
  /** Does a write that resolved outlive the process? */
  readonly durable: boolean
  /** `eventual`: a read may answer with an older value than the last write. */
  readonly consistency: 'strong' | 'eventual'
  /**
   * May a call wait for one that another request made? Never in a Worker. Where it may, one call is
   * under way at a time, and what comes meanwhile is joined into the next one.
   */
  readonly batchAcrossTicks: boolean
  /** The longest key, in bytes of UTF-8. */
  readonly maxKeyBytes: number
  /** The largest value together with its key, in bytes as `botshelf` measures them. */
  readonly maxValueBytes: number
  /** Does the storage tell of changes, of its own and of those made elsewhere? */
  readonly watch: boolean
}

/**
 * A change that was made, by whomever. What is under the key may have changed again since: read it.
 * `clear`: every key was removed, or lost.
 */
export type StoreChange =
  | { readonly kind: 'set' | 'remove'; readonly key: string }
  | { readonly kind: 'clear'; readonly key?: undefined }

/** Whom a storage tells of changes. */
export type StorageListener = (change: StoreChange | { readonly kind: 'unknown' }) => void

/** What happens to a storage while it is open: see {@link StorageHost.emit}. */
export type StorageEventType = 'data-lost' | 'blocked' | 'reopened'

/** What a storage lives in: its runtime. */
export interface StorageHost {
  /** The runtime's clock, in milliseconds since 1970; expiries are held against it. */
  now(): number
  /**
   * Tells the runtime's user what no call of his would: that data is gone which had been stored
   * (`data-lost`), that opening waits for somebody else (`blocked`), or that a lost connection was
   * made anew (`reopened`). `reason` is half a sentence for people.
   */
  emit(type: StorageEventType, reason: string): void
}

export interface KeysOptions {
  /** Only keys that begin with this text. */
  readonly prefix?: string
}

/**
 * The factory of one backend: opens namespaces. The constructor receives the whole bot config and
 * fills `storageConfig` from its `STORAGE_CONFIG`.
 */
export abstract class StoragePluginBase {
  protected readonly storageConfig: StorageConfig

  /**
   * @param config the bot's configuration, a Worker's `env` for one
   * @param fields what `STORAGE_CONFIG` may hold; without it nothing is checked
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config: BotConfig | null | undefined, fields?: ConfigFields) {
    this.storageConfig = readStorageConfig(config, fields)
  }

  /**
   * Opens a namespace, a non-empty well-formed string of any content. The runtime calls it once
   * per namespace until the storage is closed. Two different namespaces never share an entry.
   *
   * @param host the runtime that opens it, for a backend that has something to tell; it may be absent
   */
  abstract open(namespace: string, host?: StorageHost): Promise<StorageBase>

  /**
   * The namespaces that hold data, and perhaps some that once did, each once and in no particular
   * order; where the backend can tell.
   */
  namespaces?(): AsyncIterable<string>
}

/**
 * One open namespace. An author writes the six abstract methods; the rest is derived from them,
 * and a backend that can do better overrides it. Arguments are valid and calls come only while
 * the storage is open: `Store` guards, a storage stores.
 */
export abstract class StorageBase {
  /** The entry under a key, expired or not; `undefined` if there is none. The caller may keep it. */
  abstract get(key: string): Promise<Entry | undefined>
  /** Keeps an entry, replacing what was there. When it resolves the entry is kept. */
  abstract set(key: string, entry: Entry): Promise<void>
  /** Removes an entry. There may be none. */
  abstract remove(key: string): Promise<void>
  /** How many entries are held, expired ones included. */
  abstract len(): Promise<number>
  /** The keys of all entries held, expired ones included, each once, in any order. */
  abstract keys(options?: KeysOptions): AsyncIterable<string>
  /** Makes all writes durable and lets go of the backend. */
  abstract close(): Promise<void>

  /** What this storage promises. As it stands: nothing beyond the six methods. */
  readonly traits: Traits = {
    atomic: 'none',
    durable: true,
    consistency: 'strong',
    batchAcrossTicks: true,
    maxKeyBytes: Number.POSITIVE_INFINITY,
    maxValueBytes: Number.POSITIVE_INFINITY,
    watch: false,
  }

  /** The entries under these keys; a key without one is absent from the map. */
  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = await this.get(key)
      if (entry !== undefined) found.set(key, entry)
    }
    return found
  }

  /**
   * Applies each group whole or not at all; groups do not affect each other. Should one of them
   * bring down the whole call, reject it with `outcome: 'not-applied'`: they are made again one by
   * one. There are as many groups as were issued at once, a thousand for example. A storage with
   * `atomic: 'none'` writes a group's changes one after another instead, and answers any
   * condition with `NOT_ATOMIC`.
   */
  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    for (const changes of groups) outcomes.push(await applyOneByOne(this, changes))
    return outcomes
  }

  /** Every entry held, expired ones included. */
  async *entries(options?: KeysOptions): AsyncIterable<[string, Entry]> {
    for await (const key of this.keys(options)) {
      const entry = await this.get(key)
      if (entry !== undefined) yield [key, entry]
    }
  }

  /** The keys of the entries alive at `now`. Override it where keys can tell their expiry unread. */
  async *liveKeys(now: number, options?: KeysOptions): AsyncIterable<string> {
    for await (const [key, entry] of this.entries(options)) if (isLive(entry, now)) yield key
  }

  /** How many entries are alive at `now`. */
  async liveLen(now: number): Promise<number> {
    let count = 0
    for await (const _ of this.liveKeys(now)) count++
    return count
  }

  /** Removes every entry of the namespace, and none of another. */
  async clear(): Promise<void> {
    const keys: string[] = []
    for await (const key of this.keys()) keys.push(key)
    for (const key of keys) await this.remove(key)
  }

  /**
   * Reads and writes in one transaction of the backend. `apply` is synchronous, may be called
   * again if the backend starts over, and never throws.
   */
  transact?(
    keys: readonly string[],
    apply: (now: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly Outcome[]>

  /**
   * Tells of every change that takes hold in the namespace, whoever makes it, until the function
   * that it returns is called. There exactly where `traits.watch` says so. Whoever applies what is
   * told to a view of the keys, in order, has the right view in the end.
   *
   * A change may be told more than once, within the call that makes it or later, and one that was
   * overtaken need not be told. What can be told must be: `unknown`, which makes readers list all
   * keys anew, is for a storage that has lost track. A listener does not throw. That something
   * expired is not told.
   */
  watch?(listener: StorageListener): () => void
}

async function applyOneByOne(storage: StorageBase, changes: readonly Change[]): Promise<Outcome> {
  if (changes.some((change) => change.ifVersion !== undefined)) {
    return new StoreError('NOT_ATOMIC', 'This storage cannot make a write depend on a version.')
  }
  let written = 0
  try {
    for (const change of changes) {
      if ('entry' in change) await storage.set(change.key, change.entry)
      else await storage.remove(change.key)
      written++
    }
    return 'applied'
  } catch (error) {
    return partialFailure(error, changes, written)
  }
}

/** Is the entry alive at `now`? At the very millisecond of its expiry it is not. */
export function isLive(entry: { readonly expires?: number }, now: number): boolean {
  return entry.expires === undefined || entry.expires > now
}

/** The outcome of a group that failed after some of its changes were written one by one. */
export function partialFailure(
  error: unknown,
  changes: readonly Change[],
  written: number,
): StoreError {
  const failed = toStoreError(error, { key: changes[written]?.key, outcome: 'unknown' })
  if (written === 0) return failed
  const said = `${written} of ${changes.length} changes were written, then: ${failed.message}`
  return new StoreError(failed.code, said, {
    key: failed.key,
    outcome: 'unknown',
    retryable: failed.retryable,
    cause: failed.cause ?? error,
  })
}
