import { noop } from '../../src/async.ts'
import type { TransactionBody } from './transaction.ts'

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[]
  /** The last key that was read, if more may follow. */
  readonly lastKey: string | undefined
}

/** Reads the first page of a range of keys. */
export type ReadPage<T> = (range: IDBKeyRange) => Promise<Page<T>>

/**
 * Lists a namespace page by page. It reads the next page while one is consumed, but not before the
 * second item is asked for: many callers want only the first. A listing that is left early holds
 * nothing open.
 */
export class Listing<T> implements AsyncIterableIterator<T, undefined> {
  readonly #prefix: string
  readonly #readPage: ReadPage<T>
  #items: readonly T[] = []
  #nextIndex = 0
  #reading: Promise<Page<T>> | undefined
  /** The keys after the pages that were read or are being read, if there may be any. */
  #rest: IDBKeyRange | undefined

  constructor(prefix: string, readPage: ReadPage<T>) {
    this.#prefix = prefix
    this.#readPage = readPage
    this.#rest = rangeOf(prefix)
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const hasItem = this.#nextIndex < this.#items.length
      if (this.#rest !== undefined && (this.#nextIndex > 0 || !hasItem)) {
        this.#reading = this.#readPage(this.#rest)
        this.#rest = undefined
        // If it fails, the call that needs the page rejects.
        this.#reading.catch(noop)
      }
      if (hasItem) return { done: false, value: this.#items[this.#nextIndex++] as T }
      const reading = this.#reading
      if (reading === undefined) return { done: true, value: undefined }
      const { items, lastKey } = await reading
      // Another call of next() that waited for the same page has taken it already.
      if (this.#reading !== reading) continue
      this.#reading = undefined
      this.#items = items
      this.#nextIndex = 0
      this.#rest = lastKey === undefined ? undefined : rangeOf(this.#prefix, lastKey)
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** A key and what is stored under it. */
export interface KeyAndRecord {
  readonly key: string
  readonly value: unknown
}

/** Chromium has `getAllRecords` since 141. It reads keys and values with one request. */
interface StoreWithRecords extends IDBObjectStore {
  getAllRecords?(options: {
    readonly query: IDBKeyRange
    readonly count: number
  }): IDBRequest<KeyAndRecord[]>
}

/** Reads the first `count` records of a range, with their keys. */
export function firstRecords(
  range: IDBKeyRange,
  count: number,
): TransactionBody<readonly KeyAndRecord[]> {
  return (entries: StoreWithRecords, finish, onSuccess) => {
    const both = entries.getAllRecords?.({ query: range, count })
    if (both !== undefined) {
      onSuccess([both], () => finish(both.result))
      return
    }
    const keys = requestKeys(entries, range, count)
    const values = entries.getAll(range, count)
    onSuccess([values], () =>
      finish(keys.result.map((key, index) => ({ key, value: values.result[index] as unknown }))),
    )
  }
}

/** Requests the keys of a range, at most `count`. botshelf writes no keys but strings. */
export function requestKeys(
  source: IDBObjectStore | IDBIndex,
  range: IDBKeyRange,
  count?: number,
): IDBRequest<string[]> {
  return source.getAllKeys(range, count) as IDBRequest<string[]>
}

/** The range of the keys that begin with `prefix`, or of those among them after `lastKey`. */
function rangeOf(prefix: string, lastKey?: string): IDBKeyRange {
  const from = lastKey ?? prefix
  const isAfter = lastKey !== undefined
  const end = prefixEnd(prefix)
  return end === undefined
    ? IDBKeyRange.lowerBound(from, isAfter)
    : IDBKeyRange.bound(from, end, isAfter, true)
}

/** The least string above all that begin with `prefix`. IndexedDB compares by UTF-16 code unit. */
function prefixEnd(prefix: string): string | undefined {
  const kept = prefix.replace(/\uffff+$/, '')
  if (kept === '') return undefined
  return kept.slice(0, -1) + String.fromCharCode(kept.charCodeAt(kept.length - 1) + 1)
}
