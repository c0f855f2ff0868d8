import { BatchStorageBase } from '../../src/batch-storage.ts'
import { CAUSED_BY_ONE, isStoreError, type StoreError } from '../../src/errors.ts'
import type { Entry, KeysOptions, Outcome, StorageListener, Traits } from '../../src/storage.ts'
import { ChangeBroadcast, type ChangeNotification } from './change-broadcast.ts'
import type { Connection } from './connection.ts'
import { canCloneErrors } from './error-encoding.ts'
import { EXPIRY_INDEX, META_STORE, SYNCED_KEY } from './format.ts'
import { firstRecords, Listing, requestKeys } from './listing.ts'
import { decodeEntries, decodeEntry } from './record.ts'
import { Sweeper } from './sweeper.ts'
import type { TransactionBody } from './transaction.ts'
import { type Apply, type ChangeGroups, writeGroups, type WriteResult } from './write-groups.ts'

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
  readonly #canStoreErrors = canCloneErrors()
  /** Whether there are relaxed writes that no strict write has put on disk yet. */
  #hasUnsynced = false

  constructor(connection: Connection, { durability, now }: IndexedDBStorageOptions) {
    super()
    this.#connection = connection
    this.#durability = durability
    this.#broadcast = new ChangeBroadcast(connection.name, async (keys) => {
      const found = await connection.read((entries) => keys.map((key) => entries.getKey(key)))
      return found.map((key) => key !== undefined)
    })
    this.#sweeper = new Sweeper(connection, now)
    connection.onDataLost = (kind) => this.#broadcast.emit([{ kind }])
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    if (keys.length === 0) return new Map()
    const records = await this.#connection.read((entries) => keys.map((key) => entries.get(key)))
    return decodeEntries(keys, records)
  }

  async commit(groups: ChangeGroups): Promise<readonly Outcome[]> {
    if (groups.length === 0) return []
    try {
      return await this.transact([], () => groups)
    } catch (error) {
      if (!isStoreError(error) || error.outcome === 'unknown') throw error
      if (groups.length === 1 || !CAUSED_BY_ONE.has(error.code)) return groups.map(() => error)
    }
    // One group may have aborted the transaction of all. Retry each alone.
    const outcomes: Outcome[] = []
    for (const group of groups) {
      const [outcome] = await this.commit([group]).catch((error: StoreError) => [error])
      if (outcome !== undefined) outcomes.push(outcome)
    }
    return outcomes
  }

  async transact(keys: readonly string[], apply: Apply): Promise<readonly Outcome[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(writeGroups(keys, apply, this.#canStoreErrors))
      } catch (error) {
        // If the connection was lost before the commit was requested, a retry is safe.
        const isLost = isStoreError(error) && error.code === 'CONNECTION_LOST'
        if (!isLost || error.outcome === 'unknown' || attempt === 2) throw error
      }
    }
  }

  entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    return new Listing(prefix, async (range) => {
      const records = await this.#connection.run(firstRecords(range, ENTRIES_PER_PAGE))
      const items = records.map(({ key, value }): [string, Entry] => [key, decodeEntry(key, value)])
      return { items, lastKey: records[ENTRIES_PER_PAGE - 1]?.key }
    })
  }

  liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    // All of them are read together with the first page, by the index, so no record is read.
    let expired: Set<string> | undefined
    return new Listing(prefix, async (range) => {
      const [keys, expiredKeys] = await this.#connection.read((entries) => [
        requestKeys(entries, range, KEYS_PER_PAGE),
        ...(expired === undefined
          ? [requestKeys(entries.index(EXPIRY_INDEX), IDBKeyRange.upperBound(now))]
          : []),
      ])
      const isExpired = (expired ??= new Set(expiredKeys))
      return {
        items: keys.filter((key) => !isExpired.has(key)),
        lastKey: keys[KEYS_PER_PAGE - 1],
      }
    })
  }

  async liveLen(now: number): Promise<number> {
    const [all, expired] = await this.#connection.read((entries) => [
      entries.count(),
      entries.index(EXPIRY_INDEX).count(IDBKeyRange.upperBound(now)),
    ])
    if (expired > 0) this.#sweeper.sweep(now)
    return all - expired
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
      if (this.#hasUnsynced && !this.#connection.hasYielded) await this.#sync()
    } finally {
      await this.#connection.close()
    }
  }

  /** Runs a transaction that writes entries, and reports its changes here and to other tabs. */
  async #write(body: TransactionBody<WriteResult>): Promise<readonly Outcome[]> {
    let onSettled: (() => void) | undefined
    try {
      const { changes, outcomes, hasExpiry } = await this.#connection.run<WriteResult>(
        (entries, finish, onSuccess) => {
          const commitAndAnnounce = (result: WriteResult): void => {
            finish(result)
            // After the commit was requested, so that the message does not delay it.
            onSettled = this.#broadcast.announce(result.changes)
          }
          body(entries, commitAndAnnounce, onSuccess)
        },
        { durability: this.#durability },
      )
      this.#onWritten(changes)
      if (hasExpiry) this.#sweeper.onWrite()
      return outcomes
    } catch (error) {
      if (isStoreError(error) && error.outcome === 'unknown') this.#onWritten([{ kind: 'unknown' }])
      throw error
    } finally {
      onSettled?.()
    }
  }

  #onWritten(changes: readonly ChangeNotification[]): void {
    if (this.#durability === 'relaxed') this.#hasUnsynced ||= changes.length > 0
    this.#broadcast.emit(changes)
  }

  /**
   * Puts all relaxed writes on disk. Closing the database does not, nor does a strict transaction
   * that writes nothing; one strict write does (measured with Chromium 156).
   */
  async #sync(): Promise<void> {
    await this.#connection.run<void>(
      (meta, finish) => {
        meta.put(Date.now(), SYNCED_KEY)
        finish()
      },
      { durability: 'strict', store: META_STORE },
    )
  }
}
