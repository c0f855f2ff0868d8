import { noop } from '../../src/async.ts'
import type { KeysOptions } from '../../src/storage.ts'
import { type KeyRangeOptions, toKeyRange } from './key-range.ts'
import type { PageQuery } from './page-body.ts'

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[]
  /** The last key that was read; `undefined` if the page is the last. */
  readonly lastKey: string | undefined
}

/** Reads one page. */
export type ReadPage<T> = (query: PageQuery) => Promise<Page<T>>

/**
 * Lists a namespace page by page. Prefetches the next page when a page's second item is requested,
 * not earlier: many callers want only the first item. It does not prefetch what `limit` excludes. A
 * listing that is left early holds nothing open.
 */
export class Listing<T> implements AsyncIterableIterator<T, undefined> {
  readonly #keys: KeyRangeOptions
  readonly #maxPageSize: number
  readonly #readPage: ReadPage<T>
  #items: readonly T[] = []
  #nextIndex = 0
  #nextPage: Promise<Page<T>> | undefined
  /** The range still to be read, after `#nextPage`; `undefined` if there is none. */
  #remaining: IDBKeyRange | undefined
  /** How many records the caller is expected to need still, after `#nextPage`. */
  #expectedCount: number
  #pageSize = 0

  constructor(
    { prefix = '', after, limit = Number.POSITIVE_INFINITY, reverse = false }: KeysOptions,
    maxPageSize: number,
    readPage: ReadPage<T>,
  ) {
    this.#keys = { prefix, after, reverse }
    this.#maxPageSize = maxPageSize
    this.#readPage = readPage
    this.#expectedCount = limit
    this.#remaining = toKeyRange(this.#keys)
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const hasItem = this.#nextIndex < this.#items.length
      const isPrefetchDue = this.#nextIndex > 0 && this.#expectedCount > 0
      if (this.#remaining !== undefined && (isPrefetchDue || !hasItem)) {
        this.#nextPage = this.#readNextPage(this.#remaining)
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
      this.#remaining =
        lastKey === undefined ? undefined : toKeyRange({ ...this.#keys, after: lastKey })
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #readNextPage(range: IDBKeyRange): Promise<Page<T>> {
    // A caller that needs more than its limit skips expired entries. It may need few or many more.
    const wanted = this.#expectedCount > 0 ? this.#expectedCount : this.#pageSize * 2
    this.#pageSize = Math.min(wanted, this.#maxPageSize)
    this.#expectedCount -= this.#pageSize
    return this.#readPage({ range, count: this.#pageSize, reverse: this.#keys.reverse })
  }
}
