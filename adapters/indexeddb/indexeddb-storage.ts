import { BatchStorageBase } from '../../src/batch-storage.ts'
import { isCausedByOne, isStoreError, toStoreError } from '../../src/errors.ts'
import type {
  Entry,
  KeysOptions,
  CommitResult,
  StorageListener,
  Traits,
} from '../../src/storage.ts'
import { ChangeBroadcast, type ChangeNotification } from './change-broadcast.ts'
import type { Connection } from './connection.ts'
import { canCloneErrors } from './error-encoding.ts'
import { retryIfLost } from './errors.ts'
import { EXPIRY_INDEX, LAST_SYNC_KEY, META_STORE } from './format.ts'
import { createPageBody, Listing, requestKeys } from './listing.ts'
import { decodeEntries, decodeEntry } from './record.ts'
import { Sweeper } from './sweeper.ts'
import type { TransactionBody } from './transaction.ts'
import {
  type ChangeGroups,
  createWriteBody,
  type DecideChanges,
  type WriteResult,
} from './write-body.ts'

// A listing keeps two pages in memory. Keys are small, so more of them fit into a page than entries,
// whose values may be large.
const KEYS_PER_PAGE = 5000
const ENTRIES_PER_PAGE = 500

interface IndexedDBStorageOptions {
  readonly durability: 'strict' | 'relaxed'
  /** The runtime's clock, in milliseconds since 1970. */
  readonly now: (() => number) | undefined
}

/** The storage of one namespace, which is one database. */
export class IndexedDBStorage extends BatchStorageBase {
  override readonly traits: Traits = {
    atomic: 'origin',
    durable: true,
    consistency: 'strong',
    batchAcrossTicks: true,
    maxKeyBytes: Number.POSITIVE_INFINITY,
    maxValueBytes: Number.POSITIVE_INFINITY,
    watch: true,
  }
  readonly #connection: Connection
  readonly #durability: 'strict' | 'relaxed'
  readonly #broadcast: ChangeBroadcast
  readonly #sweeper: Sweeper
  readonly #canCloneErrors = canCloneErrors()
  /** Whether there are relaxed writes that no strict write has flushed to disk yet. */
  #hasUnsyncedWrites = false

  constructor(connection: Connection, { durability, now }: IndexedDBStorageOptions) {
    super()
    this.#connection = connection
    this.#durability = durability
    this.#broadcast = new ChangeBroadcast(connection.name, async (keys) => {
      const found = await connection.read((entries) => keys.map((key) => entries.getKey(key)))
      return found.map((key) => key !== undefined)
    })
    this.#sweeper = new Sweeper(connection, now)
    connection.onKeysInvalidated = (kind) => this.#broadcast.emit([{ kind }])
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    if (keys.length === 0) return new Map()
    const records = await this.#connection.read((entries) => keys.map((key) => entries.get(key)))
    return decodeEntries(keys, records)
  }

  async commit(groups: ChangeGroups): Promise<readonly CommitResult[]> {
    if (groups.length === 0) return []
    try {
      return await this.transact([], () => groups)
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
      const [outcome] = await this.commit([group]).catch((error: unknown) => [
        toStoreError(error, {}),
      ])
      outcomes.push(outcome as CommitResult)
    }
    return outcomes
  }

  async transact(keys: readonly string[], decide: DecideChanges): Promise<readonly CommitResult[]> {
    return retryIfLost(() => this.#write(createWriteBody(keys, decide, this.#canCloneErrors)))
  }

  entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    return new Listing(prefix, async (range) => {
      const records = await this.#connection.run(createPageBody(range, ENTRIES_PER_PAGE))
      const items = records.map(({ key, value }): [string, Entry] => [key, decodeEntry(key, value)])
      // A page that is not full is the last.
      return { items, lastKey: records[ENTRIES_PER_PAGE - 1]?.key }
    })
  }

  liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    // The expired keys are read once, with the first page. The index supplies them, so no record is
    // read. If one is renewed during the listing, the listing shows its old state.
    let expiredKeys: Set<string> | undefined
    return new Listing(prefix, async (range) => {
      const [keys, indexedKeys] = await this.#connection.read((entries) => [
        requestKeys(entries, range, KEYS_PER_PAGE),
        ...(expiredKeys === undefined
          ? [requestKeys(entries.index(EXPIRY_INDEX), IDBKeyRange.upperBound(now))]
          : []),
      ])
      const expired = (expiredKeys ??= new Set(indexedKeys))
      return {
        items: keys.filter((key) => !expired.has(key)),
        // A page that is not full is the last.
        lastKey: keys[KEYS_PER_PAGE - 1],
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

  watch(listener: StorageListener): () => void {
    return this.#broadcast.subscribe(listener)
  }

  async close(): Promise<void> {
    try {
      await this.#broadcast.close()
      await this.#sweeper.close()
      // A deleted database has nothing to sync, and an upgraded one cannot be opened.
      if (this.#hasUnsyncedWrites && !this.#connection.isClosedForOthers) await this.#sync()
    } finally {
      await this.#connection.close()
    }
  }

  /** Runs a transaction that writes entries, and reports its changes here and to other tabs. */
  async #write(body: TransactionBody<WriteResult>): Promise<readonly CommitResult[]> {
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
        { durability: this.#durability },
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
  #notifyWritten(changes: readonly ChangeNotification[]): void {
    if (this.#durability === 'relaxed') this.#hasUnsyncedWrites ||= changes.length > 0
    this.#broadcast.emit(changes)
  }

  /**
   * Flushes all relaxed writes to disk. Neither closing the database nor an empty strict transaction
   * flushes them. One strict write does (measured with Chromium 156).
   */
  async #sync(): Promise<void> {
    await this.#connection.run<void>(
      (meta, finish) => {
        meta.put(Date.now(), LAST_SYNC_KEY)
        finish()
      },
      { durability: 'strict', store: META_STORE },
    )
  }
}
