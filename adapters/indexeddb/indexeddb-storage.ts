import { BatchStorageBase } from '../../src/batch-storage.ts'
import { isCausedByOne, isStoreError, type StoreError } from '../../src/errors.ts'
import type { Entry, KeysOptions, Outcome, StorageListener, Traits } from '../../src/storage.ts'
import type { Connection, Work } from './connection.ts'
import { EXPIRY, META } from './format.ts'
import { Listing } from './listing.ts'
import { readRecord, readRecords } from './record.ts'
import { firstRecords, keysIn } from './requests.ts'
import { keepsErrors } from './error-encoding.ts'
import { Sweeper } from './sweeper.ts'
import { ChangeBroadcast, type Told } from './change-broadcast.ts'
import { type Apply, type Groups, type Sent, writing } from './write.ts'

/** How many keys, and how many entries, a listing reads at once. */
const MOST_KEYS = 5000
const MOST_ENTRIES = 500

interface StorageOptions {
  readonly durability: 'strict' | 'relaxed'
  /** The runtime's clock. */
  readonly now: (() => number) | undefined
}

/** One namespace: one database. */
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
  readonly #tabs: ChangeBroadcast
  readonly #sweeper: Sweeper
  readonly #keepsErrors = keepsErrors()
  #unsynced = false

  constructor(connection: Connection, { durability, now }: StorageOptions) {
    super()
    this.#connection = connection
    this.#durability = durability
    this.#tabs = new ChangeBroadcast(connection.name, async (keys) => {
      const found = await connection.read((entries) => keys.map((key) => entries.getKey(key)))
      return found.map((key) => key !== undefined)
    })
    this.#sweeper = new Sweeper(connection, now)
    connection.onDataLost = (kind) => this.#tabs.tell([{ kind }])
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    if (keys.length === 0) return new Map()
    return readRecords(
      keys,
      await this.#connection.read((entries) => keys.map((key) => entries.get(key))),
    )
  }

  async commit(groups: Groups): Promise<readonly Outcome[]> {
    if (groups.length === 0) return []
    try {
      return await this.transact([], () => groups)
    } catch (error) {
      if (!isStoreError(error) || error.outcome === 'unknown') throw error
      if (groups.length === 1 || !isCausedByOne(error)) return groups.map(() => error)
    }
    // One of them may have brought down the transaction, and the others with it.
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
        return await this.#write(writing(keys, apply, this.#keepsErrors))
      } catch (error) {
        // Lost before anything was sent, it can be done once more.
        const isLost = isStoreError(error) && error.code === 'CONNECTION_LOST'
        if (!isLost || error.outcome === 'unknown' || attempt === 2) throw error
      }
    }
  }

  entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    return new Listing(prefix, async (range) => {
      const records = await this.#connection.run(firstRecords(range, MOST_ENTRIES))
      const items = records.map(([key, record]): [string, Entry] => [key, readRecord(key, record)])
      return { items, last: records[MOST_ENTRIES - 1]?.[0] }
    })
  }

  liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    let dead: Set<string> | undefined
    return new Listing(prefix, async (range) => {
      const [keys, expired] = await this.#connection.read((entries) => [
        keysIn(entries, range, MOST_KEYS),
        // With the first page only.
        ...(dead === undefined ? [keysIn(entries.index(EXPIRY), IDBKeyRange.upperBound(now))] : []),
      ])
      const gone = (dead ??= new Set(expired))
      return { items: keys.filter((key) => !gone.has(key)), last: keys[MOST_KEYS - 1] }
    })
  }

  async liveLen(now: number): Promise<number> {
    const [all, expired] = await this.#connection.read((entries) => [
      entries.count(),
      entries.index(EXPIRY).count(IDBKeyRange.upperBound(now)),
    ])
    if (expired > 0) this.#sweeper.sweep(now)
    return all - expired
  }

  async clear(): Promise<void> {
    await this.#write((entries, send) => {
      entries.clear()
      send({ changes: [{ kind: 'clear' }], outcomes: [] })
    })
  }

  watch(listener: StorageListener): () => void {
    return this.#tabs.listen(listener)
  }

  async close(): Promise<void> {
    try {
      await this.#tabs.close()
      await this.#sweeper.end()
      // What was deleted need not be put on disk, and what was upgraded cannot be any more.
      if (this.#unsynced && !this.#connection.hasStoodAside) await this.#sync()
    } finally {
      await this.#connection.close()
    }
  }

  /** Writes to the entries, and tells of it. */
  async #write(work: Work<Sent>): Promise<readonly Outcome[]> {
    let done: (() => void) | undefined
    try {
      const { changes, outcomes, expires } = await this.#connection.run<Sent>(
        (entries, answer, after) => {
          const send = (sent: Sent): void => {
            answer(sent)
            // Only now, so that it does not hold up what was sent.
            done = this.#tabs.announce(sent.changes)
          }
          work(entries, send, after)
        },
        { durability: this.#durability },
      )
      this.#wrote(changes)
      if (expires) this.#sweeper.written()
      return outcomes
    } catch (error) {
      if (isStoreError(error) && error.outcome === 'unknown') this.#wrote([{ kind: 'unknown' }])
      throw error
    } finally {
      done?.()
    }
  }

  #wrote(changes: readonly Told[]): void {
    if (this.#durability === 'relaxed') this.#unsynced ||= changes.length > 0
    this.#tabs.tell(changes)
  }

  // Closing a database puts nothing on disk, and neither does a transaction that writes nothing; a
  // strict write does, for all that went before it.
  async #sync(): Promise<void> {
    await this.#connection.run<void>(
      (meta, answer) => {
        meta.put(Date.now(), 'synced')
        answer()
      },
      { durability: 'strict', store: META },
    )
  }
}
