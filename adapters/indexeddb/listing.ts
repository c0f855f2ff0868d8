import { noop } from '../../src/async.ts'
import { rangeOf } from './range.ts'

/** What was read at once. */
export interface Page<T> {
  readonly items: readonly T[]
  /** The last key read, if there may be more. */
  readonly last: string | undefined
}

/** Reads the first of a range. */
export type ReadPage<T> = (range: IDBKeyRange) => Promise<Page<T>>

/**
 * A listing in pages. While one is consumed the next is read, but not for who wants the first entry
 * only. One that is left early has nothing to give back.
 */
export class Listing<T> implements AsyncIterableIterator<T, undefined> {
  readonly #prefix: string
  readonly #read: ReadPage<T>
  #items: readonly T[] = []
  #at = 0
  #reading: Promise<Page<T>> | undefined
  /** What the next page begins with, unless there is none. */
  #rest: IDBKeyRange | undefined

  constructor(prefix: string, read: ReadPage<T>) {
    this.#prefix = prefix
    this.#read = read
    this.#rest = rangeOf(prefix)
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const isLeft = this.#at < this.#items.length
      if (this.#rest !== undefined && (this.#at > 0 || !isLeft)) {
        this.#reading = this.#read(this.#rest)
        this.#rest = undefined
        // Perhaps nobody waits for it yet, or ever.
        this.#reading.catch(noop)
      }
      if (isLeft) return { done: false, value: this.#items[this.#at++] as T }
      const reading = this.#reading
      if (reading === undefined) return { done: true, value: undefined }
      const { items, last } = await reading
      // Somebody else who waited may have taken it over.
      if (this.#reading !== reading) continue
      this.#reading = undefined
      this.#items = items
      this.#at = 0
      this.#rest = last === undefined ? undefined : rangeOf(this.#prefix, last)
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
