// The contract between botshelf and a backend. An adapter implements StoragePluginBase, which opens
// namespaces, and StorageBase, one open namespace.

import { noop } from './async.ts'
import {
  readStorageConfig,
  type BotConfig,
  type ConfigFields,
  type StorageConfig,
} from './config.ts'
import { type Entry, isLive } from './entry.ts'
import { StoreError, toStoreError } from './errors.ts'
import { byCodeUnit } from './key.ts'
import type { Listing } from './listing.ts'
import type { Step } from './step.ts'
import type { SyncAccess } from './sync-access.ts'
import type { Turn, Turns } from './turns.ts'
import type { createWatch } from './watch.ts'

/**
 * One write, or the check of a condition. `ifVersion` makes it conditional: the storage applies it
 * only if the stored entry has that version, or, for `null`, if there is no entry. An entry that has
 * expired at `CommitOptions.now` counts as missing.
 */
export type Change = SetChange | RemoveChange | CheckChange

/** A change that stores an entry, replacing any other. */
export interface SetChange {
  readonly key: string
  readonly entry: Entry
  /** The size of the key and the value as the core measures it, in bytes. */
  readonly bytes: number
  readonly ifVersion?: string | null | undefined
}

/** A change that removes an entry; there may be none. */
export interface RemoveChange {
  readonly key: string
  readonly remove: true
  readonly ifVersion?: string | null | undefined
}

/** A change that writes nothing: its group is applied only if the condition holds. */
export interface CheckChange {
  readonly key: string
  readonly check: true
  readonly ifVersion: string | null
}

/** A change that the storage derives from the current entry. Only {@link StorageBase.perform} gets it. */
export interface StepChange {
  readonly key: string
  readonly step: Step
  /**
   * The version of the entry that the step stores, if it stores one, after `keepStamp`. Unique per
   * write.
   */
  readonly version: string
  /** The size of the key and of the value or item in the step as the core measures it, in bytes. */
  readonly bytes: number
}

/** What the core passes with every write. */
export interface CommitOptions {
  /** The runtime's time, in milliseconds since 1970. Default: −Infinity, and nothing has expired. */
  readonly now?: number | undefined
  /**
   * The turn from `StorageBase.turns` in which the changes are written. The write ends it, applied or
   * not, by its `release()`. The core does not pass it to `transact`: an updater that is async decides
   * after the transaction.
   */
  readonly turn?: Turn | undefined
}

/** The result of one group that {@link StorageBase.perform} has run: those of its changes, or why none was applied. */
export type PerformResult = readonly unknown[] | StoreError

/**
 * The result of one group of changes. `applied`: all changes were applied. `conflict`: a condition
 * was false and nothing was applied. A `StoreError`: its `outcome` says whether any was applied.
 */
export type CommitResult = 'applied' | 'conflict' | StoreError

/** What a storage promises. The core adapts to it, and the conformance suite tests it. */
export interface Traits {
  /**
   * Against whom a conditional commit is safe: `global`, every client of the backend; `origin`,
   * every tab and worker of the origin; `instance`, users of this plugin instance; `none`, the
   * storage cannot check conditions and does not apply groups as a whole.
   */
  readonly atomic: 'global' | 'origin' | 'instance' | 'none'
  /** Whether a write that resolved outlives the process. */
  readonly durable: boolean
  /** `eventual`: a read may return an older entry than the last write. */
  readonly consistency: 'strong' | 'eventual'
  /**
   * Whether a call may wait for a call of an earlier tick. If true, a batch starts only after the
   * one before it, and later operations join the next; retries, reads and listings may still overlap
   * with it. Must be false where a call does I/O in a Worker:
   * a promise that belongs to another request may never settle. The default of `StorageBase` is
   * true, so an adapter for Workers overrides it. Of the traits, only this one may change while the
   * storage is open: to false, for example, while a page is being closed.
   */
  readonly batchAcrossTicks: boolean
  /**
   * The longest key, in bytes of UTF-8; `Infinity`: no limit. `Store` rejects a longer one with
   * `INVALID_KEY`.
   */
  readonly maxKeyBytes: number
  /**
   * The largest value with its key, in bytes as the core measures them; `Infinity`: no limit.
   * `Store` rejects more with `TOO_LARGE`.
   */
  readonly maxValueBytes: number
  /** Whether `watch` exists and reports the changes of every client. */
  readonly watch: boolean
}

/**
 * A change that this storage or another client of the backend applied. The key may have changed
 * again since: read it for its value. `clear`: every key was removed or lost.
 */
export type StoreChange =
  | { readonly kind: 'set' | 'remove'; readonly key: string }
  | { readonly kind: 'clear'; readonly key?: undefined }

/** What a storage reports. `unknown`: it missed changes, so any key may have changed. */
export type StorageChange = StoreChange | { readonly kind: 'unknown' }

/**
 * What the core passes to {@link StorageBase.watch}: a function that takes one change. It never
 * throws.
 */
export type StorageListener = (change: StorageChange) => void

/**
 * An event outside any call. `data-lost`: stored data is gone. `blocked`: opening waits for another
 * client, such as another tab. `reopened`: a lost connection was opened again.
 */
export type StorageEventType = 'data-lost' | 'blocked' | 'reopened'

/** What the runtime offers to a storage that it opens. */
export interface StorageHost {
  /** Returns the runtime's time, in milliseconds since 1970. Compare expiries with it. */
  now(): number
  /**
   * Passes an event to the `onEvent` option of the runtime. Returns at once and never throws.
   *
   * @param reason what happened, for people: a clause without capital or full stop
   */
  emit(type: StorageEventType, reason: string): void
}

/** Selects keys of a listing, and their order. */
export interface KeysOptions {
  /** Lists only keys that begin with this string. Default: all keys. */
  readonly prefix?: string | undefined
  /** Lists only keys that come after this one in the order of the listing. Default: from the start. */
  readonly after?: string | undefined
  /**
   * The most items to list; a positive integer. Default: all. For a storage it is a hint: it may list
   * more.
   */
  readonly limit?: number | undefined
  /** Whether to list in descending order. Default: false, ascending. */
  readonly reverse?: boolean | undefined
}

/**
 * Opens the namespaces of one backend. A subclass implements `open`.
 *
 * @example
 * class RedisStoragePlugin extends StoragePluginBase {
 *   async open(namespace: string): Promise<StorageBase> {
 *     return new RedisStorage(await connect(this.storageConfig['url'] as string), namespace)
 *   }
 * }
 */
export abstract class StoragePluginBase {
  /** The plugin's settings, read from `STORAGE_CONFIG`. */
  protected readonly storageConfig: StorageConfig

  /**
   * The time limit of each call to the backend, in milliseconds, from `STORAGE_CONFIG`. The option of
   * the runtime takes precedence.
   */
  readonly operationTimeout: number | undefined

  /**
   * The time limit of `open` and `drop`, in milliseconds, for a plugin whose own limit differs from
   * `operationTimeout`.
   */
  readonly openTimeout?: number | undefined

  /**
   * Reads `STORAGE_CONFIG` into `storageConfig`. The registry calls it with the bot's whole
   * configuration and the manifest's `config`.
   *
   * @param config the bot's configuration, for example a Worker's `env`
   * @param fields the fields that `STORAGE_CONFIG` may have; by default it is not checked
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config: BotConfig | null | undefined, fields?: ConfigFields) {
    this.storageConfig = readStorageConfig(config, fields)
    this.operationTimeout = this.storageConfig['operationTimeout'] as number | undefined
  }

  /**
   * Opens a namespace. The runtime calls it once, and again only after `close` of the storage, or after
   * a call that timed out: what that one opens later is closed.
   * Two different namespaces never share an entry.
   *
   * @param namespace a non-empty string without unpaired surrogates, of any other content
   * @param host the runtime that opens the namespace; absent if a test opens it directly
   * @throws StoreError a code that fits, such as `UNAVAILABLE`, `BLOCKED`, `VERSION_MISMATCH`,
   * `CORRUPT`, `QUOTA_EXCEEDED` or `INVALID_NAMESPACE`; any other error becomes `BACKEND_ERROR`
   */
  abstract open(namespace: string, host?: StorageHost): Promise<StorageBase>

  /**
   * Lists the namespaces that hold data, each once, in any order. It may include namespaces that
   * once held data. Leave it out if the backend cannot list them.
   */
  namespaces?(): AsyncIterable<string>

  /**
   * Removes a namespace with all of its data; there may be none. The runtime calls it while it has
   * the namespace closed. Where reads are not eventually consistent, `namespaces` then no longer
   * lists it. The default opens the namespace, clears it and closes it.
   *
   * @throws StoreError as `open`
   */
  async drop(namespace: string, host?: StorageHost): Promise<void> {
    const storage = await this.open(namespace, host).catch(throwNotApplied)
    try {
      await storage.clear()
    } catch (error) {
      // Of two errors, this one says what became of the data.
      await storage.close().catch(noop)
      throw error
    }
    await storage.close().catch((error: unknown) => {
      throw partialFailure(error, 1, 'The entries were removed')
    })
  }
}

/**
 * Reads and writes one open namespace of a backend. A subclass implements the six abstract methods.
 * The other methods have defaults that call those six; override one where the backend can do
 * better. For a backend that works in batches, extend `BatchStorageBase` instead.
 *
 * `Store` validates keys and values, and the core calls no method before `open` resolved, after
 * `close`, or with an invalid argument. Any method may reject: with a `StoreError`, or with the
 * backend's own error, which the core wraps as `BACKEND_ERROR`.
 */
export abstract class StorageBase {
  /**
   * Reads the entry of a key, expired or not, as a new copy; resolves to `undefined` if there is
   * none.
   */
  abstract get(key: string): Promise<Entry | undefined>

  /** Stores an entry, replacing any other. Resolves once the entry is kept. */
  abstract set(key: string, entry: Entry): Promise<void>

  /** Removes the entry of a key; there may be none. Resolves once the entry is gone. */
  abstract remove(key: string): Promise<void>

  /** Counts the entries, expired ones included. */
  abstract len(): Promise<number>

  /**
   * Lists the keys of all entries, expired ones included, each once, in any order. It may ignore
   * every option but `prefix`: the core sorts and cuts what this method lists.
   */
  abstract keys(options?: KeysOptions): AsyncIterable<string>

  /**
   * Makes all writes durable and releases the backend. The runtime calls it once, and makes no call
   * after it. Only calls that have timed out may still run then.
   */
  abstract close(): Promise<void>

  /**
   * What this storage promises. Default: writes are durable and read back at once, nothing is
   * atomic, batches may span ticks, keys and values have no limit, and there is no `watch`.
   * Override it where that is wrong.
   */
  readonly traits: Traits = {
    atomic: 'none',
    durable: true,
    consistency: 'strong',
    batchAcrossTicks: true,
    maxKeyBytes: Number.POSITIVE_INFINITY,
    maxValueBytes: Number.POSITIVE_INFINITY,
    watch: false,
  }

  /**
   * Reads the entries of several keys, expired or not; a key without an entry is absent from the
   * map. The core calls it with the keys that a batch must read, up to three times if it rejects
   * with a retryable error other than `BLOCKED`. The default calls `get` for one key after another.
   */
  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = await this.get(key)
      if (entry !== undefined) found.set(key, entry)
    }
    return found
  }

  /**
   * Applies groups of changes and resolves to a result for each, in order. Each group is applied
   * whole or not at all, independently of the others. The core calls it with all writes of a batch,
   * which may be a thousand groups. A group has at most one change per key.
   *
   * If one group makes the whole call fail, reject with a `StoreError` whose `outcome` is
   * `not-applied`, or return that one error for every group. The core then splits the batch for a
   * code that one change can cause, such as `TOO_LARGE` or `BACKEND_ERROR`. If the outcome is
   * `unknown`, the core reads the keys to find out.
   *
   * The default, for `atomic: 'none'`, applies the changes of a group one after another and answers
   * a conditional change with `NOT_ATOMIC`.
   */
  async commit(
    groups: readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    const results: CommitResult[] = []
    const checkTime = createTimeCheck(this)
    for (const changes of groups) results.push(await applyOneByOne(this, changes, checkTime))
    options?.turn?.release()
    return results
  }

  /**
   * Lists all entries with their keys, expired ones included, each once, in the order of the keys:
   * by UTF-16 code unit or by byte of UTF-8. `limit` is a hint of where the core will end the
   * listing; do not end it there, since the core leaves out expired entries. Write an async generator
   * of entries, or return `listPages`. The default sorts the keys of `keys` and reads them one after
   * another.
   */
  async *entries(options?: KeysOptions): Listing<[key: string, entry: Entry]> {
    // Only the prefix, because `keys` may be in any order.
    const keys = this.keys({ prefix: options?.prefix })
    for (const key of await sortedKeys(keys, options)) {
      const entry = await this.get(key)
      if (entry !== undefined) yield [key, entry]
    }
  }

  /**
   * Lists the keys of the entries that are live at `now`, each once, in the order of `entries`.
   * `limit` is a hint. Override the default, which reads all entries, if the backend knows an expiry
   * without reading the value.
   *
   * @param now the runtime's time, in milliseconds since 1970
   */
  async *liveKeys(now: number, options?: KeysOptions): Listing<string> {
    for await (const [key, entry] of this.entries(options)) if (isLive(entry, now)) yield key
  }

  /**
   * Counts the entries that are live at `now`. The default counts `liveKeys`.
   *
   * @param now the runtime's time, in milliseconds since 1970
   */
  async liveLen(now: number): Promise<number> {
    let count = 0
    for await (const _ of this.liveKeys(now)) count++
    return count
  }

  /**
   * Removes every entry of the namespace, and none of another. If it fails after some were removed,
   * reject with a `StoreError` whose `outcome` is `unknown`. The default removes the keys of `keys`
   * one after another.
   */
  async clear(): Promise<void> {
    await removeAll(this, this.keys())
  }

  /**
   * Removes every entry whose key begins with `prefix`, which is not empty. For the rest, as `clear`.
   */
  async clearPrefix(prefix: string): Promise<void> {
    await removeAll(this, this.keys({ prefix }))
  }

  /**
   * Reads keys and commits what `apply` returns, in one transaction of the backend. Optional: the
   * core calls it for a batch with updates, and for the writes beside them, in place of `getMany` and
   * a conditional `commit`, which may conflict. It makes one attempt.
   *
   * @param apply takes the entries, expired or not, and returns groups for `commit`. It is
   * synchronous and never throws. Call it again if the backend restarts the transaction.
   * @returns the results of the groups that the last call of `apply` returned, as for `commit`
   */
  transact?(
    keys: readonly string[],
    apply: (found: Map<string, Entry>) => readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]>

  /**
   * Applies groups of changes, of which some are steps that the storage itself derives from the
   * current entries. Optional: the core calls it, in place of a read and a conditional `commit`, for
   * writes and steps that need no read. The changes of a group are applied in order, whole or not at
   * all; a key may have several. None has `ifVersion`.
   *
   * A storage computes the effect of a step with `runStep`, on the entry unless it has expired at
   * `options.now`, and the version of what it stores with `keepStamp`. The result of a step is that of
   * `runStep`; of another change, `undefined`. If a step cannot run, the result of its group is the
   * error of `runStep`. The core does not look up the outcome of a call that fails.
   */
  perform?(
    groups: readonly (readonly (Change | StepChange)[])[],
    options?: CommitOptions,
  ): Promise<readonly PerformResult[]>

  /**
   * Orders the clients that change the same keys. Optional: the core requests a turn for an update
   * that has lost a race. Without it, the update waits a random time and tries again, and a slow one may
   * lose each of its attempts. Where `traits.batchAcrossTicks` is true, a `LocalTurns` is enough to
   * order the users of one plugin instance.
   */
  readonly turns?: Turns | undefined

  /**
   * Calls `listener` for every change of the namespace, by any client, and returns a function that
   * stops it. Defined, with `createWatch`, if and only if `traits.watch` is true.
   *
   * A listener that applies the changes in order to a list of the keys ends up with the right list.
   * A change may be reported more than once, during the call that makes it or later; one that
   * another change has overwritten may be left out. A storage that missed changes reports
   * `unknown`, after which the core lists all keys again. Expiry is not reported.
   */
  watch?(listener: StorageListener): () => void

  /**
   * The function `createWatch` of botshelf, which makes the watches of stores from `watch`. Defined if
   * and only if `watch` is; without it `store.watch()` throws `UNAVAILABLE`. It comes with the adapter,
   * so that a bundle leaves it out where no adapter can watch.
   */
  readonly createWatch?: typeof createWatch | undefined

  /**
   * Synchronous access, for a storage whose calls do no I/O. The core then runs a read, a write or an
   * update at once while nothing else is queued, and limits the time of no call. Ignored, as
   * `copiesValues`, if a method of the storage is not that of its class: because a wrapper replaced it,
   * or because it is a function in a field.
   */
  readonly sync?: SyncAccess | undefined

  /**
   * Whether the storage keeps no reference to a value that it received once the call has settled,
   * because the backend has a copy. The caller of an update then receives the value itself. Default:
   * false, and a caller receives a copy.
   */
  readonly copiesValues?: boolean | undefined

  /** How often `onTimeout` was called. */
  timeoutCount = 0

  /**
   * Called when a call has not settled within the `operationTimeout` of the runtime, and has been
   * rejected with `TIMEOUT`. A storage with a connection drops it here: it rejects the calls that run
   * on it, so that nothing waits for them, and connects again with the next call. What the call would
   * still write must not be written: the caller may have written the same keys again.
   */
  onTimeout(): void {
    this.timeoutCount++
  }
}

/**
 * Returns the function with which a call that writes in a loop tests, before each write, whether its
 * time limit has passed. Its caller may have written the same keys again since then.
 *
 * @throws StoreError `TIMEOUT` if a call of the storage has timed out since
 */
export function createTimeCheck(storage: StorageBase): () => void {
  const { timeoutCount } = storage
  return () => {
    if (storage.timeoutCount === timeoutCount) return
    throw new StoreError('TIMEOUT', 'The time limit of a call has passed.', {
      outcome: 'not-applied',
    })
  }
}

async function removeAll(storage: StorageBase, listed: AsyncIterable<string>): Promise<void> {
  // All keys first, so that the removals do not disturb the listing.
  const checkTime = createTimeCheck(storage)
  const keys = await listForRemoval(listed)
  for (const [removed, key] of keys.entries()) {
    try {
      checkTime()
      await storage.remove(key)
    } catch (error) {
      checkRemovals([toStoreError(error, {})], keys.length, removed)
    }
  }
}

/** Lists the keys to remove. @throws StoreError with the outcome `not-applied` */
export async function listForRemoval(listed: AsyncIterable<string>): Promise<readonly string[]> {
  const keys: string[] = []
  try {
    for await (const key of listed) keys.push(key)
  } catch (error) {
    throwNotApplied(error)
  }
  return keys
}

function throwNotApplied(error: unknown): never {
  throw toStoreError(error, { outcome: 'not-applied' })
}

/**
 * Tests whether removals succeeded that are not atomic together.
 *
 * @param results of removals; an object is an error
 * @param total how many removals there are
 * @param before how many removals succeeded before
 * @throws StoreError with the outcome `unknown` if some succeeded and one failed
 */
export function checkRemovals(results: readonly unknown[], total: number, before = 0): void {
  const errors = results.filter((result) => typeof result === 'object') as StoreError[]
  const error = errors.find(({ outcome }) => outcome === 'unknown') ?? errors[0]
  if (error === undefined) return
  const removed = before + results.length - errors.length
  throw partialFailure(error, removed, `${removed} of ${total} entries were removed`)
}

async function applyOneByOne(
  storage: StorageBase,
  changes: readonly Change[],
  checkTime: () => void,
): Promise<CommitResult> {
  const conditional = changes.find((change) => change.ifVersion !== undefined)
  if (conditional !== undefined) return conditionNotSupported(conditional)
  let written = 0
  try {
    for (const change of changes) {
      checkTime()
      if ('entry' in change) await storage.set(change.key, change.entry)
      else if ('remove' in change) await storage.remove(change.key)
      written++
    }
    return 'applied'
  } catch (error) {
    return groupFailure(error, changes, written)
  }
}

/** Collects keys, sorts them by code unit, and applies `after` and `reverse`. */
export async function sortedKeys(
  keys: AsyncIterable<string> | Iterable<string>,
  { after, reverse = false }: KeysOptions = {},
): Promise<readonly string[]> {
  const found: string[] = []
  for await (const key of keys) {
    if (after === undefined || (reverse ? key < after : key > after)) found.push(key)
  }
  found.sort(byCodeUnit)
  if (reverse) found.reverse()
  return found
}

/** Creates the result of a group with a conditional change. For storages with `atomic: 'none'`. */
export function conditionNotSupported({ key }: Change): StoreError {
  return new StoreError(
    'NOT_ATOMIC',
    'A change with ifVersion needs a storage that can check it; traits.atomic is "none" here. Leave it out.',
    { key },
  )
}

/**
 * Creates the result of a group that failed after `written` of its changes were applied. For
 * storages with `atomic: 'none'`.
 */
export function groupFailure(
  error: unknown,
  changes: readonly Change[],
  written: number,
): StoreError {
  const failed = toStoreError(error, { key: changes[written]?.key })
  return partialFailure(failed, written, `${written} of ${changes.length} changes were written`)
}

/**
 * Creates the error of a call that failed after `done` of its writes were applied.
 *
 * @param progress a sentence without full stop that says which
 */
function partialFailure(error: unknown, done: number, progress: string): StoreError {
  const failed = toStoreError(error, {})
  if (done === 0) return failed
  const { code, message, key, retryable, cause = error } = failed
  const details = { key, outcome: 'unknown', retryable, cause } as const
  return new StoreError(code, `${progress}, then: ${message}`, details)
}
