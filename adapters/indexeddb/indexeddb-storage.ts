import { BatchStorageBase } from '../../src/batch-storage.js'
import { nothing } from '../../src/deferred.js'
import { isStoreError, type StoreError } from '../../src/errors.js'
import type { Change, Entry, KeysOptions, Outcome, StoreChange, Traits } from '../../src/storage.js'
import { type Connection, ENTRIES, EXPIRY, META } from './connection.js'
import { failedRead, failedWrite } from './failures.js'
import { startingAfter, startingWith } from './range.js'
import { readRecord, writeRecord } from './record.js'
import { keepsErrors } from './stand-ins.js'
import { Tabs } from './tabs.js'

/** How many entries a listing reads at once. */
const PAGE = 500
/** How many expired entries one sweep removes. */
const SWEEP = 1000
/** How long after one sweep a write begins the next, in milliseconds. */
const BETWEEN_SWEEPS = 60_000

type Groups = readonly (readonly Change[])[]
type Apply = (now: Map<string, Entry>) => Groups

interface StorageOptions {
  readonly durability: 'strict' | 'relaxed'
  /** The runtime's clock. Without one nothing is swept after a write. */
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
  readonly #tabs: Tabs
  readonly #durability: 'strict' | 'relaxed'
  readonly #now: (() => number) | undefined
  readonly #keepsErrors = keepsErrors()
  #unsynced = false
  #sweeping: Promise<void> | undefined
  #swept = Number.NEGATIVE_INFINITY

  constructor(connection: Connection, { durability, now }: StorageOptions) {
    super()
    this.#connection = connection
    this.#tabs = new Tabs(connection.name)
    this.#durability = durability
    this.#now = now
    connection.onDataLost = () => this.#tabs.tell({ kind: 'clear' })
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    if (keys.length === 0) return new Map()
    const records = await this.#read((entries) => keys.map((key) => entries.get(key)))
    return readRecords(keys, records)
  }

  async commit(groups: Groups): Promise<readonly Outcome[]> {
    if (groups.length === 0) return []
    try {
      return await this.#write([], () => groups)
    } catch (error) {
      if (!isStoreError(error) || error.outcome === 'unknown') throw error
      if (groups.length === 1) return [error]
    }
    // One of them brought down the transaction, and the others with it.
    const outcomes: Outcome[] = []
    for (const group of groups) outcomes.push(...(await this.commit([group])))
    return outcomes
  }

  override transact(keys: readonly string[], apply: Apply): Promise<readonly Outcome[]> {
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
    if (expired > 0) this.#sweep(now)
    return all - expired
  }

  async clear(): Promise<void> {
    const transaction = await this.#begin('readwrite')
    const ended = end(transaction)
    transaction.objectStore(ENTRIES).clear()
    transaction.commit()
    const failed = await ended
    if (failed !== undefined) throw this.#failed(failedWrite(failed.error), transaction)
    this.#tabs.changed([{ kind: 'clear' }])
  }

  override watch(listener: (change: StoreChange) => void): () => void {
    return this.#tabs.listen(listener)
  }

  async close(): Promise<void> {
    await this.#sweeping
    try {
      if (this.#unsynced) await this.#sync()
    } finally {
      this.#tabs.close()
      await this.#connection.close()
    }
  }

  /** Answers requests that only read. They are answered in order, so the last one ends them. */
  async #read<const R extends readonly IDBRequest[]>(
    request: (entries: IDBObjectStore) => R,
  ): Promise<Results<R>> {
    const transaction = await this.#begin('readonly')
    const requests = request(transaction.objectStore(ENTRIES))
    return new Promise((resolve, reject) => {
      whenAnswered(requests, () => resolve(requests.map(({ result }) => result) as Results<R>))
      transaction.addEventListener('abort', () => {
        reject(this.#failed(failedRead(transaction.error), transaction))
      })
    })
  }

  /** As {@link #writeOnce}, and once more where the connection was lost before anything was sent. */
  async #write(keys: readonly string[], apply: Apply): Promise<readonly Outcome[]> {
    try {
      return await this.#writeOnce(keys, apply)
    } catch (error) {
      const unsent = isStoreError(error) && error.code === 'CONNECTION_LOST'
      if (!unsent || error.outcome === 'unknown') throw error
      return this.#writeOnce(keys, apply)
    }
  }

  /**
   * Reads `keys`, lets `apply` decide, and writes what it decided: one transaction. Resolves when
   * it has completed; throws when it was rolled back, or was lost.
   */
  async #writeOnce(keys: readonly string[], apply: Apply): Promise<readonly Outcome[]> {
    const transaction = await this.#begin('readwrite')
    const ended = end(transaction)
    const entries = transaction.objectStore(ENTRIES)
    let groups: Groups = []
    let outcomes: readonly Outcome[] = []
    let sent = false
    let refused: { readonly error: unknown } | undefined
    // What is thrown within an event would be reported to the page, and its reason be lost here.
    const guard = (step: () => void): void => {
      try {
        step()
      } catch (error) {
        refused = { error }
        abort(transaction)
      }
    }
    const read = (wanted: readonly string[], then: (found: Map<string, Entry>) => void): void => {
      const requests = wanted.map((key) => entries.get(key))
      whenAnswered(requests, () =>
        guard(() =>
          then(
            readRecords(
              wanted,
              requests.map(({ result }) => result as unknown),
            ),
          ),
        ),
      )
    }
    guard(() => {
      read(keys, (now) => {
        groups = apply(now)
        const conditions = groups.flat().filter(({ ifVersion }) => ifVersion !== undefined)
        const unread = conditions.map(({ key }) => key).filter((key) => !keys.includes(key))
        read(unread, (also) => {
          sent = true
          outcomes = this.#putAll(entries, groups, new Map([...now, ...also]))
          transaction.commit()
        })
      })
    })
    const failed = await ended
    if (failed !== undefined) {
      // The browser may have aborted it first; then what was thrown here only tells of that.
      const error = failed.error ?? (refused === undefined ? null : refused.error)
      throw this.#failed(sent ? failedWrite(error) : failedRead(error), transaction)
    }
    this.#written(groups.filter((_, index) => outcomes[index] === 'applied').flat())
    return outcomes
  }

  /** Writes each group whose conditions hold. Each group sees what those before it have written. */
  #putAll(
    entries: IDBObjectStore,
    groups: Groups,
    now: ReadonlyMap<string, Entry>,
  ): readonly Outcome[] {
    const written = new Map<string, string | null>()
    const holds = ({ key, ifVersion }: Change): boolean => {
      if (ifVersion === undefined) return true
      const version = written.has(key) ? written.get(key) : (now.get(key)?.version ?? null)
      return version === ifVersion
    }
    return groups.map((changes) => {
      if (!changes.every(holds)) return 'conflict'
      for (const change of changes) {
        if ('entry' in change) entries.put(writeRecord(change.entry, this.#keepsErrors), change.key)
        else entries.delete(change.key)
        written.set(change.key, 'entry' in change ? change.entry.version : null)
      }
      return 'applied'
    })
  }

  #written(changes: readonly Change[]): void {
    if (this.#durability === 'relaxed') this.#unsynced ||= changes.length > 0
    this.#tabs.changed(
      changes.map((change) => ({ kind: 'entry' in change ? 'set' : 'remove', key: change.key })),
    )
    const now = this.#now?.()
    if (now === undefined || now - this.#swept < BETWEEN_SWEEPS) return
    if (!changes.some((change) => 'entry' in change && change.entry.expires !== undefined)) return
    this.#swept = now
    this.#sweep(now)
  }

  /** Removes what has expired, some of it, in its own time. What cannot be removed expired anyway. */
  #sweep(now: number): void {
    this.#sweeping ??= this.#removeExpired(now)
      .catch(nothing)
      .finally(() => {
        this.#sweeping = undefined
      })
  }

  async #removeExpired(now: number): Promise<void> {
    const transaction = await this.#connection.begin(ENTRIES, 'readwrite', {
      durability: 'relaxed',
    })
    const ended = end(transaction)
    const entries = transaction.objectStore(ENTRIES)
    const expired = keysIn(entries.index(EXPIRY), IDBKeyRange.upperBound(now), SWEEP)
    whenAnswered([expired], () => {
      for (const key of expired.result) entries.delete(key)
    })
    await ended
  }

  // Closing a database puts nothing on disk, and neither does a transaction that writes nothing; a
  // strict write does, for all that went before it.
  async #sync(): Promise<void> {
    const transaction = await this.#connection.begin(META, 'readwrite', { durability: 'strict' })
    const ended = end(transaction)
    transaction.objectStore(META).put(Date.now(), 'synced')
    transaction.commit()
    const failed = await ended
    if (failed !== undefined) throw failedWrite(failed.error)
    this.#unsynced = false
  }

  #begin(mode: 'readonly' | 'readwrite'): Promise<IDBTransaction> {
    return this.#connection.begin(ENTRIES, mode, { durability: this.#durability })
  }

  /** A connection that lost one transaction is not trusted with another. */
  #failed(error: StoreError, { db }: IDBTransaction): StoreError {
    if (error.code === 'CONNECTION_LOST') this.#connection.drop(db)
    return error
  }
}

type Results<R extends readonly IDBRequest[]> = {
  -readonly [I in keyof R]: R[I] extends IDBRequest<infer T> ? T : never
}

/** Resolves when a transaction has ended: with its error, `null` for none of its own, if it was aborted. */
function end(transaction: IDBTransaction): Promise<{ error: DOMException | null } | undefined> {
  return new Promise((resolve) => {
    transaction.addEventListener('complete', () => resolve(undefined))
    transaction.addEventListener('abort', () => resolve({ error: transaction.error }))
  })
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended already.
  }
}

function whenAnswered(requests: readonly IDBRequest[], then: () => void): void {
  const last = requests.at(-1)
  if (last === undefined) then()
  else last.addEventListener('success', then)
}

// Every key is a string: nothing else is ever written.
function keysIn(
  source: IDBObjectStore | IDBIndex,
  range: IDBKeyRange | undefined,
  most?: number,
): IDBRequest<string[]> {
  return source.getAllKeys(range, most) as IDBRequest<string[]>
}

function readRecords(keys: readonly string[], records: readonly unknown[]): Map<string, Entry> {
  const found = new Map<string, Entry>()
  for (const [index, key] of keys.entries()) {
    const record = records[index]
    if (record !== undefined) found.set(key, readRecord(key, record))
  }
  return found
}
