import { BatchStorageBase } from '../../src/batch-storage.ts'
import { isCausedByOne, isStoreError, toStoreError } from '../../src/errors.ts'
import type { Entry } from '../../src/entry.ts'
import type { Listing } from '../../src/listing.ts'
import type {
  CommitOptions,
  CommitResult,
  KeysOptions,
  StorageChange,
  StorageBase,
  Traits,
} from '../../src/storage.ts'
import { LocalTurns, type Turns } from '../../src/turns.ts'
import { createWatch } from '../../src/watch.ts'
import { ChangeBroadcast } from './change-broadcast.ts'
import type { Connection } from './connection.ts'
import { canCloneErrors } from './error-encoding.ts'
import { EXPIRY_INDEX, LAST_SYNC_KEY, META_STORE } from './format.ts'
import { listRecords } from './listing.ts'
import { LockTurns } from './lock-turns.ts'
import { createKeyPageBody } from './page-body.ts'
import { isInPageHide, isPageHidden, onPageChange } from './platform.ts'
import { readEntryPage } from './read-entry-page.ts'
import { decodeEntries } from './record.ts'
import { Sweeper } from './sweeper.ts'
import type { TransactionBody } from './transaction.ts'
import {
  type ChangeGroups,
  createClearBody,
  createWriteBody,
  type DecideChanges,
  type WriteResult,
} from './write-body.ts'

// A listing keeps two pages in memory. Keys are small, so more of them fit into a page than entries,
// whose values may be large. A transaction takes about as long as reading a thousand keys.
const KEYS_PER_PAGE = 20_000
const ENTRIES_PER_PAGE = 500

interface IndexedDBStorageOptions {
  readonly durability: 'strict' | 'relaxed'
  /** The runtime's clock, in milliseconds since 1970. */
  readonly now: (() => number) | undefined
}

/** The storage of one namespace, which is one database. */
export class IndexedDBStorage extends BatchStorageBase {
  readonly copiesValues = true
  override readonly traits: Traits
  readonly turns: Turns
  readonly #lockTurns: LockTurns | undefined
  readonly createWatch: typeof createWatch = createWatch
  readonly #connection: Connection
  readonly #durability: 'strict' | 'relaxed'
  readonly #broadcast: ChangeBroadcast
  readonly #sweeper: Sweeper
  /** Tested by the first write. */
  #canCloneErrors: boolean | undefined
  /** Whether there are relaxed writes that no strict write has flushed to disk yet. */
  #hasUnsyncedWrites = false
  /** Whether the page is being closed or is in the back/forward cache. */
  #isPageGone = false
  readonly #stopFollowingPage: () => void

  constructor(connection: Connection, { durability, now }: IndexedDBStorageOptions) {
    super()
    this.#connection = connection
    this.#durability = durability
    this.#broadcast = new ChangeBroadcast(connection.name, async (keys) => {
      const send = (entries: IDBObjectStore): IDBRequest<IDBValidKey | undefined>[] =>
        keys.map((key) => entries.getKey(key))
      const found = await connection.limit(connection.read(send))
      return found.map((key) => key !== undefined)
    })
    // Web Locks are missing in a page that was loaded over HTTP.
    const hasLocks = globalThis.navigator?.locks !== undefined
    this.#lockTurns = hasLocks ? new LockTurns(connection.name) : undefined
    this.turns = this.#lockTurns ?? new LocalTurns()
    this.#sweeper = new Sweeper(connection, now)
    connection.onKeysInvalidated = (kind) => this.#broadcast.emit([{ kind }])
    const broadcast = this.#broadcast
    // A channel takes as long to open as a read.
    connection.onFirstReads = () => {
      broadcast.listen()
      this.#lockTurns?.listen()
    }
    const isPageGone = (): boolean => this.#isPageGone
    this.traits = {
      atomic: 'origin',
      durable: true,
      consistency: 'strong',
      // A page that goes may never run again, so its writes must not wait for earlier ones. Its own
      // listener of `pagehide` may run before the one here.
      get batchAcrossTicks() {
        return !isPageGone() && !isInPageHide()
      },
      maxKeyBytes: Number.POSITIVE_INFINITY,
      maxValueBytes: Number.POSITIVE_INFINITY,
      get watch() {
        return broadcast.listen()
      },
    }
    this.#stopFollowingPage = onPageChange(this.#onPageChange)
  }

  get watch(): NonNullable<StorageBase['watch']> {
    const watch = this.traits.watch && this.#broadcast.subscribe
    return (watch || undefined) as NonNullable<StorageBase['watch']>
  }

  /** Lets a wrapper replace the method. */
  set watch(value: NonNullable<StorageBase['watch']>) {
    Object.defineProperty(this, 'watch', { value, writable: true })
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    if (keys.length === 0) return new Map()
    const send = (entries: IDBObjectStore): IDBRequest<unknown>[] =>
      keys.map((key) => entries.get(key))
    const records = await this.#connection.read(send, keys, { canShare: true })
    return decodeEntries(keys, records)
  }

  async commit(
    groups: ChangeGroups,
    { now, turn }: CommitOptions = {},
  ): Promise<readonly CommitResult[]> {
    if (groups.length === 0) return []
    try {
      return await this.#commit(groups, now)
    } finally {
      turn?.release()
    }
  }

  async transact(
    keys: readonly string[],
    decide: DecideChanges,
    { now, turn }: CommitOptions = {},
  ): Promise<readonly CommitResult[]> {
    const results = await this.#transact(keys, decide, now)
    // Without a write the turn goes on: an updater that has read the keys may still run.
    if (results.length > 0) turn?.release()
    return results
  }

  entries(options: KeysOptions = {}): Listing<[string, Entry]> {
    return listRecords(options, ENTRIES_PER_PAGE, (query) => readEntryPage(this.#connection, query))
  }

  liveKeys(now: number, options: KeysOptions = {}): Listing<string> {
    // The expired keys are read once, with the first page. If one is renewed during the listing, the
    // listing shows its old state.
    let expired: Set<string> | undefined
    return listRecords(options, KEYS_PER_PAGE, async (query) => {
      const body = createKeyPageBody(query, expired === undefined ? now : undefined)
      const { keys, expiredKeys } = await this.#connection.run(body)
      const hidden = (expired ??= new Set(expiredKeys))
      return {
        items: hidden.size > 0 ? keys.filter((key) => !hidden.has(key)) : keys,
        // A page that is not full is the last.
        lastKey: keys[query.count - 1],
      }
    })
  }

  async liveLen(now: number): Promise<number> {
    const [total, expiredCount] = await this.#connection.read((entries) => [
      entries.count(),
      entries.index(EXPIRY_INDEX).count(IDBKeyRange.upperBound(now)),
    ])
    // The count has found expired entries, and writes may never start a sweep.
    if (expiredCount > 0) this.#sweeper.sweep(now)
    return total - expiredCount
  }

  async clear(): Promise<void> {
    await this.#write((entries, finish) => {
      entries.clear()
      finish({ changes: [{ kind: 'clear' }], outcomes: [] })
    })
  }

  override async clearPrefix(prefix: string): Promise<void> {
    await this.#write(createClearBody(prefix))
  }

  override onTimeout(): void {
    this.#connection.onTimeout()
  }

  async close(): Promise<void> {
    this.#stopFollowingPage()
    try {
      this.#lockTurns?.pause()
      await this.#broadcast.close()
      await this.#sweeper.close()
      // A deleted database has nothing to sync, and an upgraded one cannot be opened.
      if (this.#hasUnsyncedWrites && !this.#connection.isClosedForOthers) await this.#sync()
    } finally {
      await this.#connection.close()
    }
  }

  readonly #onPageChange = ({ type }: Event): void => {
    if (type === 'pagehide') {
      this.#isPageGone = true
      this.#lockTurns?.pause()
      this.#broadcast.pause()
    } else if (type === 'visibilitychange') {
      if (isPageHidden()) this.#broadcast.flush()
    } else if (this.#isPageGone) {
      // The page is back from the cache. The first `pageshow` of a page follows no `pagehide`.
      this.#isPageGone = false
      this.#lockTurns?.resume()
      this.#broadcast.resume()
    }
  }

  async #commit(
    groups: ChangeGroups,
    now?: number,
    timeoutCount = this.#connection.timeoutCount,
  ): Promise<readonly CommitResult[]> {
    try {
      return await this.#transact([], () => groups, now, timeoutCount)
    } catch (error) {
      // Any group may have been applied: reject, and the queue looks up each one.
      if (!isStoreError(error) || error.outcome === 'unknown') throw error
      // Nothing was stored. The error is the outcome of each group, and callers may retry.
      if (groups.length === 1 || !isCausedByOne(error)) return groups.map(() => error)
    }
    // One group may have aborted the transaction of all. Retry each alone.
    const outcomes: CommitResult[] = []
    for (const group of groups) {
      // If the outcome of this group is unknown, the outcomes of the others are still reported.
      const [outcome] = await this.#commit([group], now, timeoutCount).catch((error: unknown) => [
        toStoreError(error, {}),
      ])
      outcomes.push(outcome as CommitResult)
    }
    return outcomes
  }

  #transact(
    keys: readonly string[],
    decide: DecideChanges,
    now = Number.NEGATIVE_INFINITY,
    timeoutCount = this.#connection.timeoutCount,
  ): Promise<readonly CommitResult[]> {
    this.#canCloneErrors ??= canCloneErrors()
    const options = { now, canCloneErrors: this.#canCloneErrors }
    return this.#write(createWriteBody(keys, decide, options), timeoutCount)
  }

  /** Runs a transaction that writes entries, and reports its changes here and to other tabs. */
  async #write(
    body: TransactionBody<WriteResult>,
    timeoutCount?: number,
  ): Promise<readonly CommitResult[]> {
    let markSettled: (() => void) | undefined
    try {
      const { changes, outcomes, hasExpiringEntry } = await this.#connection.run<WriteResult>(
        (entries, finish, onSuccess) => {
          const commitAndAnnounce = (result: WriteResult): void => {
            finish(result)
            // After the commit was requested, so that the message does not delay it.
            markSettled = this.#broadcast.announce(result.changes)
          }
          body(entries, commitAndAnnounce, onSuccess)
        },
        { durability: this.#durability, timeoutCount },
      )
      this.#notifyWritten(changes)
      if (hasExpiringEntry) this.#sweeper.sweepIfDue()
      return outcomes
    } catch (error) {
      // The changes may have been applied. `unknown` makes watchers list the keys again.
      if (isStoreError(error) && error.outcome === 'unknown') {
        this.#notifyWritten([{ kind: 'unknown' }])
      }
      throw error
    } finally {
      markSettled?.()
    }
  }

  /** Notifies the listeners of this tab, and records whether `close` must sync. */
  #notifyWritten(changes: readonly StorageChange[]): void {
    if (this.#durability === 'relaxed') this.#hasUnsyncedWrites ||= changes.length > 0
    this.#broadcast.emit(changes)
  }

  /**
   * Flushes all relaxed writes to disk. Neither closing the database nor an empty strict transaction
   * flushes them. One strict write does (measured with Chromium 156).
   */
  async #sync(): Promise<void> {
    const syncing = this.#connection.run<void>(
      (meta, finish) => {
        meta.put(Date.now(), LAST_SYNC_KEY)
        finish()
      },
      { durability: 'strict', store: META_STORE },
    )
    // If the caller of `close` has waited too long already, the connection must be closed all the same.
    await this.#connection.limit(syncing)
  }
}
