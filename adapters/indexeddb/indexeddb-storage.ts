import { BatchStorageBase } from '../../src/batch-storage.js'
import { nothing } from '../../src/deferred.js'
import { isStoreError, type StoreError } from '../../src/errors.js'
import type {
  Change,
  Entry,
  KeysOptions,
  Outcome,
  StorageListener,
  StoreChange,
  Traits,
} from '../../src/storage.js'
import type { Connection } from './connection.js'
import { failedRead, failedWrite } from './failures.js'
import { EXPIRY, META } from './format.js'
import { startingAfter, startingWith } from './range.js'
import { readRecord, readRecords } from './record.js'
import { keysIn, type Results, whenAnswered } from './requests.js'
import { keepsErrors } from './stand-ins.js'
import { Sweeper } from './sweeper.js'
import { Tabs } from './tabs.js'
import type { Running } from './transactions.js'
import { type Apply, type Groups, write } from './write.js'

/** How many entries a listing reads at once. */
const PAGE = 500
/** What one group can bring upon the others of its transaction. */
const OF_ONE_GROUP: ReadonlySet<string> = new Set([
  'QUOTA_EXCEEDED',
  'TOO_LARGE',
  'INVALID_VALUE',
  'CORRUPT',
  'BACKEND_ERROR',
])

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
    gather: true,
    maxKeyBytes: Number.POSITIVE_INFINITY,
    maxValueBytes: Number.POSITIVE_INFINITY,
    watch: true,
  }
  readonly #connection: Connection
  readonly #durability: 'strict' | 'relaxed'
  readonly #tabs: Tabs
  readonly #sweeper: Sweeper
  readonly #keepsErrors = keepsErrors()
  #unsynced = false

  constructor(connection: Connection, { durability, now }: StorageOptions) {
    super()
    this.#connection = connection
    this.#durability = durability
    this.#tabs = new Tabs(connection.name, (keys) => this.#exist(keys))
    this.#sweeper = new Sweeper(connection, now)
    connection.onDataLost = (kind) => this.#tabs.tell({ kind })
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    if (keys.length === 0) return new Map()
    const records = await this.#read((entries) => keys.map((key) => entries.get(key)))
    return readRecords(keys, records)
  }

  async commit(groups: Groups): Promise<readonly Outcome[]> {
    if (groups.length === 0) return []
    try {
      return await this.transact([], () => groups)
    } catch (error) {
      if (!isStoreError(error) || error.outcome === 'unknown') throw error
      if (groups.length === 1 || !OF_ONE_GROUP.has(error.code)) return groups.map(() => error)
    }
    // One of them may have brought down the transaction, and the others with it.
    const outcomes: Outcome[] = []
    for (const group of groups) {
      const [outcome] = await this.commit([group]).catch((error: StoreError) => [error])
      if (outcome !== undefined) outcomes.push(outcome)
    }
    return outcomes
  }

  override async transact(keys: readonly string[], apply: Apply): Promise<readonly Outcome[]> {
    try {
      return await this.#write(keys, apply)
    } catch (error) {
      if (!isStoreError(error) || error.code !== 'CONNECTION_LOST') throw error
      // Lost before anything was sent, it can be done once more.
      if (error.outcome === 'unknown') throw error
    }
    return this.#write(keys, apply)
  }

  async *entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    for (let range = startingWith(prefix); ;) {
      const [keys, records] = await this.#read(
        (entries) => [keysIn(entries, range, PAGE), entries.getAll(range, PAGE)] as const,
      )
      for (const [index, key] of keys.entries()) {
        yield [key, readRecord(key, records[index])]
      }
      const last = keys[PAGE - 1]
      if (last === undefined) return
      range = startingAfter(last, prefix)
    }
  }

  async *liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    const [expired] = await this.#read(
      (entries) => [keysIn(entries.index(EXPIRY), IDBKeyRange.upperBound(now))] as const,
    )
    const dead = new Set(expired)
    for (let range = startingWith(prefix); ;) {
      const [keys] = await this.#read((entries) => [keysIn(entries, range, PAGE)] as const)
      for (const key of keys) if (!dead.has(key)) yield key
      const last = keys[PAGE - 1]
      if (last === undefined) return
      range = startingAfter(last, prefix)
    }
  }

  async liveLen(now: number): Promise<number> {
    const [all, expired] = await this.#read(
      (entries) =>
        [entries.count(), entries.index(EXPIRY).count(IDBKeyRange.upperBound(now))] as const,
    )
    if (expired > 0) this.#sweeper.sweep(now)
    return all - expired
  }

  async clear(): Promise<void> {
    const { transaction, store, ended } = await this.#begin('readwrite')
    store.clear()
    const done = this.#tabs.announce([{ kind: 'clear' }])
    transaction.commit()
    const failed = await ended
    done()
    if (failed !== undefined) throw this.#failed(failedWrite(failed.error), transaction)
    this.#unsynced = this.#durability === 'relaxed'
    this.#tabs.tell({ kind: 'clear' })
  }

  override watch(listener: StorageListener): () => void {
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

  async #exist(keys: readonly string[]): Promise<readonly boolean[]> {
    const found = await this.#read((entries) => keys.map((key) => entries.getKey(key)))
    return found.map((key) => key !== undefined)
  }

  /** Answers requests that only read. */
  async #read<const R extends readonly IDBRequest[]>(
    request: (entries: IDBObjectStore) => R,
  ): Promise<Results<R>> {
    const { transaction, store, ended } = await this.#begin('readonly')
    const requests = request(store)
    const answered = new Promise<undefined>((resolve) => {
      whenAnswered(requests, () => resolve(undefined))
    })
    const failed = await Promise.race([answered, ended])
    if (failed !== undefined) throw this.#failed(failedRead(failed.error), transaction)
    return requests.map(({ result }) => result as unknown) as Results<R>
  }

  async #write(keys: readonly string[], apply: Apply): Promise<readonly Outcome[]> {
    const running = await this.#begin('readwrite')
    let sent: readonly Change[] = []
    let done: () => void = nothing
    const onSent = (changes: readonly Change[]): void => {
      sent = changes
      done = this.#tabs.announce(changes.map(toldOf))
    }
    try {
      const options = { keepsErrors: this.#keepsErrors, onSent }
      const outcomes = await write(running, keys, apply, options)
      if (this.#durability === 'relaxed') this.#unsynced ||= sent.length > 0
      for (const change of sent) this.#tabs.tell(toldOf(change))
      this.#sweeper.written(sent)
      return outcomes
    } catch (error) {
      throw this.#failed(error as StoreError, running.transaction)
    } finally {
      done()
    }
  }

  // Closing a database puts nothing on disk, and neither does a transaction that writes nothing; a
  // strict write does, for all that went before it.
  async #sync(): Promise<void> {
    const { transaction, store, ended } = await this.#connection.begin('readwrite', 'strict', META)
    store.put(Date.now(), 'synced')
    transaction.commit()
    const failed = await ended
    if (failed !== undefined) throw failedWrite(failed.error)
    this.#unsynced = false
  }

  #begin(mode: 'readonly' | 'readwrite'): Promise<Running> {
    return this.#connection.begin(mode, this.#durability)
  }

  /** A connection that lost one transaction is not trusted with another. */
  #failed(error: StoreError, { db }: IDBTransaction): StoreError {
    if (error.code === 'CONNECTION_LOST') this.#connection.drop(db)
    if (error.outcome === 'unknown') {
      this.#unsynced ||= this.#durability === 'relaxed'
      this.#tabs.tell({ kind: 'unknown' })
    }
    return error
  }
}

function toldOf(change: Change): StoreChange {
  return { kind: 'entry' in change ? 'set' : 'remove', key: change.key }
}
