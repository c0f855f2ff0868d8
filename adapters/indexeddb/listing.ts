import { noop } from '../../src/async.ts'
import type { TransactionBody } from './transaction.ts'

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[]
  /** The last key that was read; `undefined` if the page is the last. */
  readonly lastKey: string | undefined
}

/** Reads the first page of a range of keys. */
export type ReadPage<T> = (range: IDBKeyRange) => Promise<Page<T>>

/**
 * Lists a namespace page by page. Prefetches the next page when a page's second item is requested,
 * not earlier: many callers want only the first item. A listing that is left early holds nothing
 * open.
 */
export class Listing<T> implements AsyncIterableIterator<T, undefined> {
  readonly #prefix: string
  readonly #readPage: ReadPage<T>
  #items: readonly T[] = []
  #nextIndex = 0
  #nextPage: Promise<Page<T>> | undefined
  /** The range still to be read, after `#nextPage`; `undefined` if there is none. */
  #remaining: IDBKeyRange | undefined

  constructor(prefix: string, readPage: ReadPage<T>) {
    this.#prefix = prefix
    this.#readPage = readPage
    this.#remaining = rangeOf(prefix)
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const hasItem = this.#nextIndex < this.#items.length
      if (this.#remaining !== undefined && (this.#nextIndex > 0 || !hasItem)) {
        this.#nextPage = this.#readPage(this.#remaining)
        this.#remaining = undefined
        // If it fails, the call that needs the page rejects.
        this.#nextPage.catch(noop)
      }
      if (hasItem) return { done: false, value: this.#items[this.#nextIndex++] as T }
      const page = this.#nextPage
      if (page === undefined) return { done: true, value: undefined }
      const { items, lastKey } = await page
      // Another call of next() that waited for the same page has taken it already.
      if (this.#nextPage !== page) continue
      this.#nextPage = undefined
      this.#items = items
      this.#nextIndex = 0
      this.#remaining = lastKey === undefined ? undefined : rangeOf(this.#prefix, lastKey)
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** A key and the record that is stored under it. `getAllRecords` dictates the names. */
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

/** Returns the transaction body that reads the first `count` records of a range, with their keys. */
export function createPageBody(
  range: IDBKeyRange,
  count: number,
): TransactionBody<readonly KeyAndRecord[]> {
  return (entries: StoreWithRecords, finish, onSuccess) => {
    const request = entries.getAllRecords?.({ query: range, count })
    if (request !== undefined) {
      onSuccess([request], () => finish(request.result))
      return
    }
    const keys = requestKeys(entries, range, count)
    const values = entries.getAll(range, count)
    onSuccess([keys, values], () =>
      finish(keys.result.map((key, index) => ({ key, value: values.result[index] as unknown }))),
    )
  }
}

/**
 * Requests the keys of the entries in a range, at most `count`. For an index, the range is one of
 * index keys, but the result has the keys of the entries too. botshelf stores only string keys.
 */
export function requestKeys(
  source: IDBObjectStore | IDBIndex,
  range: IDBKeyRange,
  count?: number,
): IDBRequest<string[]> {
  return source.getAllKeys(range, count) as IDBRequest<string[]>
}

/** Returns the range of the keys with this prefix, or of those among them after `lastKey`. */
function rangeOf(prefix: string, lastKey?: string): IDBKeyRange {
  const from = lastKey ?? prefix
  const isAfter = lastKey !== undefined
  const end = prefixEnd(prefix)
  return end === undefined
    ? IDBKeyRange.lowerBound(from, isAfter)
    : IDBKeyRange.bound(from, end, isAfter, true)
}

/**
 * Returns the smallest string greater than every string with this prefix; `undefined` if there is
 * none. IndexedDB compares strings by UTF-16 code unit.
 */
function prefixEnd(prefix: string): string | undefined {
  // The last code unit is incremented, which is impossible for U+FFFF, the greatest one.
  const trimmed = prefix.replace(/\uffff+$/, '')
  if (trimmed === '') return undefined
  return trimmed.slice(0, -1) + String.fromCharCode(trimmed.charCodeAt(trimmed.length - 1) + 1)
}
