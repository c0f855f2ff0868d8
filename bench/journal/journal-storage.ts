import { Listing, type Page } from '../../adapters/indexeddb/listing.ts'
import { readRecord, writeRecord } from '../../adapters/indexeddb/record.ts'
import { firstRecords, keysIn } from '../../adapters/indexeddb/requests.ts'
import { Tabs } from '../../adapters/indexeddb/tabs.ts'
import { BatchStorageBase } from '../../src/batch-storage.ts'
import { isStoreError, type StoreError } from '../../src/errors.ts'
import {
  type Change,
  type Entry,
  isLive,
  type KeysOptions,
  type Outcome,
  type StorageListener,
  type Traits,
} from '../../src/storage.ts'
import { recopy } from '../../src/value.ts'
import { answered, ENTRIES, EXPIRY, HEADS, inTransaction, JOURNAL } from './database.ts'
import { entryOf, headOf, type Packed, type Piece, pieces } from './pieces.ts'
import type { Recent, Recents, View } from './views.ts'

const MOST_KEYS = 5000
const MOST_ENTRIES = 250

type Groups = readonly (readonly Change[])[]
type Apply = (now: Map<string, Entry>) => Groups

export interface JournalOptions {
  readonly durability: 'strict' | 'relaxed'
  readonly view: View
  /** How many pieces, of about 200 small entries, one transaction moves to the entries. */
  readonly step: number
  /** How long after a write the journal is moved to the entries, in milliseconds; by default never. */
  readonly compactAfter?: number
}

/**
 * A prototype: every commit is appended to a journal, as few records, and moved to the entries
 * later. What is in the journal is newer than the entries, and it is moved oldest first, so a read
 * that sees both in one transaction is right at any moment.
 *
 * What it leaves out, since it changes no figure: lost connections, stand-ins for errors, sweeping.
 */
export class JournalStorage extends BatchStorageBase {
  override readonly traits: Traits = {
    atomic: 'origin',
    durable: true,
    consistency: 'strong',
    gather: true,
    maxKeyBytes: Number.POSITIVE_INFINITY,
    maxValueBytes: Number.POSITIVE_INFINITY,
    watch: true,
  }
  readonly #db: IDBDatabase
  readonly #options: JournalOptions
  readonly #view: View
  readonly #tabs: Tabs
  /** All that a read has to see. */
  readonly #stores: readonly string[]
  #timer: ReturnType<typeof setTimeout> | undefined
  #compacting: Promise<void> | undefined

  constructor(db: IDBDatabase, options: JournalOptions) {
    super()
    this.#db = db
    this.#options = options
    this.#view = options.view
    this.#stores = [ENTRIES, ...options.view.stores]
    this.#tabs = new Tabs(db.name, async (keys) => {
      const found = await this.getMany(keys)
      return keys.map((key) => found.has(key))
    })
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    if (keys.length === 0) return new Map()
    return inTransaction(this.#db, { stores: this.#stores }, (transaction) =>
      this.#find(transaction, keys),
    )
  }

  async commit(groups: Groups): Promise<readonly Outcome[]> {
    if (groups.length === 0) return []
    const isBlind = groups.every((group) => group.every(({ ifVersion }) => ifVersion === undefined))
    try {
      // What is conditional upon nothing need not keep readers of the entries waiting.
      return await this.#write([], () => groups, isBlind ? this.#view.stores : this.#stores)
    } catch (error) {
      if (!isStoreError(error) || error.outcome === 'unknown') throw error
      if (groups.length === 1) return [error]
    }
    const outcomes: Outcome[] = []
    for (const group of groups) {
      const [outcome] = await this.commit([group]).catch((error: StoreError) => [error])
      if (outcome !== undefined) outcomes.push(outcome)
    }
    return outcomes
  }

  transact(keys: readonly string[], apply: Apply): Promise<readonly Outcome[]> {
    return this.#write(keys, apply, this.#stores)
  }

  entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    return new Listing(prefix, (range) =>
      this.#page(range, async (transaction) => {
        const question = this.#view.ask(transaction)
        const records = await recordsIn(transaction.objectStore(ENTRIES), range)
        const recents = question.take()
        const last = records[MOST_ENTRIES - 1]?.[0]
        const items: [string, Entry][] = []
        for (const [key, record] of records) {
          if (!recents.has(key)) items.push([key, readRecord(key, record)])
        }
        const newer = [...recents].filter(([key]) => isWithin(key, range, last))
        const found = await this.#bodies(transaction, new Map(newer))
        return { items: [...items, ...found], last }
      }),
    )
  }

  liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    return new Listing(prefix, (range) =>
      this.#page(range, async (transaction) => {
        const entries = transaction.objectStore(ENTRIES)
        const question = this.#view.ask(transaction)
        const keys = keysIn(entries, range, MOST_KEYS)
        const expired = keysIn(entries.index(EXPIRY), IDBKeyRange.upperBound(now))
        await answered(expired)
        const recents = question.take()
        const dead = new Set(expired.result)
        const last = keys.result[MOST_KEYS - 1]
        const items = keys.result.filter((key) => !recents.has(key) && !dead.has(key))
        for (const [key, recent] of recents) {
          if (isWithin(key, range, last) && isThere(recent, now)) items.push(key)
        }
        return { items, last }
      }),
    )
  }

  liveLen(now: number): Promise<number> {
    return inTransaction(this.#db, { stores: this.#stores }, async (transaction) => {
      const entries = transaction.objectStore(ENTRIES)
      const expiry = entries.index(EXPIRY)
      const question = this.#view.ask(transaction)
      const all = entries.count()
      const expired = expiry.count(IDBKeyRange.upperBound(now))
      await answered(expired)
      const recents = question.take()
      if (recents.size === 0) return all.result - expired.result
      // Which of its keys are among the entries too only their keys can tell.
      const keys = keysIn(entries, IDBKeyRange.lowerBound(''))
      const dead = keysIn(expiry, IDBKeyRange.upperBound(now))
      await answered(dead)
      const gone = new Set(dead.result)
      let count = keys.result.filter((key) => !recents.has(key) && !gone.has(key)).length
      for (const recent of recents.values()) if (isThere(recent, now)) count++
      return count
    })
  }

  async clear(): Promise<void> {
    const stores = [ENTRIES, JOURNAL, HEADS]
    const { durability } = this.#options
    const done = this.#tabs.announce([{ kind: 'clear' }])
    try {
      await inTransaction(this.#db, { stores, durability }, async (transaction) => {
        for (const store of stores) transaction.objectStore(store).clear()
      })
      this.#tabs.tell([{ kind: 'clear' }])
    } finally {
      done()
    }
  }

  watch(listener: StorageListener): () => void {
    return this.#tabs.listen(listener)
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#compacting
    await this.#tabs.close()
    this.#db.close()
  }

  /** Moves the journal to the entries, a few pieces in each transaction. */
  async compact(): Promise<void> {
    while (await this.#compactSome());
  }

  /**
   * It is relaxed: the browser's log keeps its order, so if a power cut takes this, the journal is
   * still there.
   */
  #compactSome(): Promise<boolean> {
    const { step } = this.#options
    const options = { stores: [ENTRIES, JOURNAL, HEADS], durability: 'relaxed' } as const
    return inTransaction(this.#db, options, async (transaction) => {
      const entries = transaction.objectStore(ENTRIES)
      const journal = transaction.objectStore(JOURNAL)
      const ids = journal.getAllKeys(null, step) as IDBRequest<number[]>
      const oldest: IDBRequest<Piece[]> = journal.getAll(null, step)
      await answered(oldest)
      const last = ids.result.at(-1)
      if (last === undefined) return false
      const changes = new Map<string, Packed>()
      for (const change of oldest.result.flat()) changes.set(change[0], change)
      for (const [key, change] of changes) {
        // What the journal says anew need not be written twice. As far as it is known, that is so.
        if ((this.#view.known.get(key)?.id ?? 0) > last) continue
        const entry = entryOf(change)
        if (entry === undefined) entries.delete(key)
        else entries.put(writeRecord(entry, true), key)
      }
      const moved = IDBKeyRange.upperBound(last)
      journal.delete(moved)
      transaction.objectStore(HEADS).delete(moved)
      return ids.result.length === step
    })
  }

  async #find(transaction: IDBTransaction, keys: readonly string[]): Promise<Map<string, Entry>> {
    const entries = transaction.objectStore(ENTRIES)
    const { known } = this.#view
    const found = new Map<string, Entry>()
    const get = async (asked: readonly string[], first?: IDBRequest): Promise<() => void> => {
      const requests = asked.map((key): IDBRequest<unknown> => entries.get(key))
      const last = requests.at(-1) ?? first
      if (last !== undefined) await answered(last)
      return () => {
        for (const [at, key] of asked.entries()) {
          const record = requests[at]?.result
          if (record !== undefined) found.set(key, readRecord(key, record))
        }
      }
    }
    const asked = known.size === 0 ? keys : keys.filter((key) => !known.has(key))
    const isKnown = asked.length < keys.length && new Set(asked)
    const question = this.#view.ask(transaction)
    const take = await get(asked, question.last)
    const recents = question.take()
    take()
    if (isKnown) {
      // Another tab has moved them to the entries meanwhile.
      const moved = keys.filter((key) => !isKnown.has(key) && !recents.has(key))
      if (moved.length > 0) (await get(moved))()
    }
    if (recents.size === 0) return found
    const newer = new Map<string, Recent>()
    for (const key of keys) {
      const recent = recents.get(key)
      if (recent === undefined) continue
      found.delete(key)
      newer.set(key, recent)
    }
    for (const [key, entry] of await this.#bodies(transaction, newer)) found.set(key, entry)
    return found
  }

  /** The entries that the journal has under these keys. */
  async #bodies(transaction: IDBTransaction, recents: Recents): Promise<[string, Entry][]> {
    const journal = transaction.objectStore(JOURNAL)
    const requests = new Map<number, IDBRequest<Piece>>()
    let last: IDBRequest | undefined
    for (const { id, change, removed } of recents.values()) {
      if (change !== undefined || removed || requests.has(id)) continue
      const request: IDBRequest<Piece> = journal.get(id)
      requests.set(id, request)
      last = request
    }
    if (last !== undefined) await answered(last)
    const read = new Map<number, Map<string, Packed>>()
    for (const [id, { result }] of requests) {
      // Of a key that it has twice, the last.
      read.set(id, new Map(result.map((each) => [each[0], each])))
    }
    const found: [string, Entry][] = []
    for (const [key, { id, change = read.get(id)?.get(key) }] of recents) {
      const entry = change && entryOf(change)
      if (entry === undefined) continue
      found.push([key, this.#view.shares ? { ...entry, value: recopy(entry.value) } : entry])
    }
    return found
  }

  #page<T>(
    range: IDBKeyRange,
    read: (transaction: IDBTransaction, range: IDBKeyRange) => Promise<Page<T>>,
  ): Promise<Page<T>> {
    return inTransaction(this.#db, { stores: this.#stores }, (each) => read(each, range))
  }

  async #write(
    keys: readonly string[],
    apply: Apply,
    stores: readonly string[],
  ): Promise<readonly Outcome[]> {
    const { durability } = this.#options
    let done: (() => void) | undefined
    let changes: readonly Change[] = []
    let written: readonly Piece[] = []
    let last: IDBRequest<IDBValidKey> | undefined
    try {
      const outcomes = await inTransaction(
        this.#db,
        { stores, durability },
        async (transaction) => {
          const journal = transaction.objectStore(JOURNAL)
          const decided = await this.#decide(transaction, keys, apply)
          changes = decided.changes
          written = pieces(changes)
          for (const piece of written) {
            last = journal.add(piece)
            if (stores.includes(HEADS)) transaction.objectStore(HEADS).add(headOf(piece))
          }
          done = this.#tabs.announce(told(changes))
          return decided.outcomes
        },
      )
      const id = last?.result
      if (typeof id === 'number') this.#view.wrote(id - written.length + 1, written)
      this.#tabs.tell(told(changes))
      this.#compactLater()
      return outcomes
    } finally {
      done?.()
    }
  }

  async #decide(
    transaction: IDBTransaction,
    keys: readonly string[],
    apply: Apply,
  ): Promise<{ outcomes: readonly Outcome[]; changes: readonly Change[] }> {
    const now = keys.length === 0 ? new Map<string, Entry>() : await this.#find(transaction, keys)
    const versions = new Map<string, string>()
    for (const [key, { version }] of now) versions.set(key, version)
    const groups = apply(now)
    const unread = new Set<string>()
    for (const { key, ifVersion } of groups.flat()) if (ifVersion !== undefined) unread.add(key)
    for (const key of keys) unread.delete(key)
    if (unread.size > 0) {
      const also = await this.#find(transaction, [...unread])
      for (const [key, { version }] of also) versions.set(key, version)
    }
    const changes: Change[] = []
    const outcomes = groups.map((group): Outcome => {
      const holds = group.every(
        ({ key, ifVersion }) =>
          ifVersion === undefined || (versions.get(key) ?? null) === ifVersion,
      )
      if (!holds) return 'conflict'
      for (const change of group) {
        changes.push(change)
        if ('entry' in change) versions.set(change.key, change.entry.version)
        else versions.delete(change.key)
      }
      return 'applied'
    })
    return { outcomes, changes }
  }

  #compactLater(): void {
    const { compactAfter } = this.#options
    if (compactAfter === undefined) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#compacting = this.compact().catch(() => {})
    }, compactAfter)
  }
}

function told(changes: readonly Change[]): { kind: 'set' | 'remove'; key: string }[] {
  return changes.map((change) => ({ kind: 'entry' in change ? 'set' : 'remove', key: change.key }))
}

function recordsIn(
  entries: IDBObjectStore,
  range: IDBKeyRange,
): Promise<(readonly [key: string, record: unknown])[]> {
  return new Promise((resolve) => {
    firstRecords(range, MOST_ENTRIES)(entries, resolve, (requests, then) => {
      requests.at(-1)?.addEventListener('success', then)
    })
  })
}

/** Is it a key of this page, which ends with the last one if there may be more? */
function isWithin(key: string, range: IDBKeyRange, last: string | undefined): boolean {
  return range.includes(key) && (last === undefined || key <= last)
}

function isThere({ removed, expires }: Recent, now: number): boolean {
  return !removed && (expires === undefined || isLive({ expires }, now))
}
