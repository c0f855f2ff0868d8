import { noop } from './async.ts'
import type { StorageChange, StoreChange } from './storage.ts'

const MAX_PENDING_KEYS = 1000

type Next = IteratorResult<StoreChange, undefined>

/** The changes of a namespace, as `Store.watch` returns them. Iterate it with `for await`. */
export interface StoreWatch extends AsyncIterableIterator<StoreChange, undefined> {
  /**
   * Resolves to the next change. If listing the keys fails, which a reader that fell behind needs,
   * it rejects with that error and the watch ends.
   */
  next(): Promise<Next>
  /** Ends the watch. A pending `next()` resolves with `done: true`. */
  return(): Promise<Next>
}

/**
 * The queue of changes between a storage and one reader. It keeps the last change of each key, and
 * of at most 1,000 keys; a reader that falls further behind gets a listing of all keys. A class, since
 * a generator cannot end while its reader waits.
 */
export class Watch implements StoreWatch {
  readonly #listKeys: () => AsyncIterator<string, void>
  readonly #pending = new Map<string, StoreChange>()
  /** What comes before the pending changes: a `clear`, or for `unknown` a `clear` and a listing. */
  #reset: 'clear' | 'unknown' | undefined
  #isEnded = false
  #listing: AsyncIterator<string, void> | undefined
  #lastNext: Promise<unknown> = Promise.resolve()
  #wake: () => void = noop
  /** Called once, when the watch ends. */
  onEnd: () => void = noop

  constructor(listKeys: () => AsyncIterator<string, void>) {
    this.#listKeys = listKeys
  }

  /** Adds a change. */
  push(change: StorageChange): void {
    // The listing that is due will show the effect of this change.
    if (this.#reset === 'unknown') return
    if (change.kind === 'set' || change.kind === 'remove') {
      this.#pending.delete(change.key)
      this.#pending.set(change.key, change)
      if (this.#pending.size > MAX_PENDING_KEYS) this.#discardPending('unknown')
    } else {
      this.#discardPending(change.kind)
    }
    this.#wake()
  }

  /** Ends the watch. Resolves when a listing in progress has ended too. */
  async end(): Promise<void> {
    const listing = this.#listing
    this.#listing = undefined
    if (!this.#isEnded) {
      this.#isEnded = true
      this.onEnd()
      this.#wake()
    }
    await listing?.return?.().catch(noop)
  }

  next(): Promise<Next> {
    const next = this.#lastNext.then(() => this.#advance())
    this.#lastNext = next.catch(noop)
    return next
  }

  async return(): Promise<Next> {
    await this.end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #advance(): Promise<Next> {
    while (!this.#isEnded) {
      const listing = this.#listing
      const change = listing === undefined ? this.#shift() : await this.#readListing(listing)
      if (this.#isEnded) break
      if (change !== undefined) return { done: false, value: change }
      if (listing === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return { done: true, value: undefined }
  }

  #discardPending(reset: 'clear' | 'unknown'): void {
    this.#pending.clear()
    this.#reset = reset
  }

  /** Removes and returns the first change. After an `unknown` it starts a listing. */
  #shift(): StoreChange | undefined {
    if (this.#reset !== undefined) {
      if (this.#reset === 'unknown') this.#listing = this.#listKeys()
      this.#reset = undefined
      return { kind: 'clear' }
    }
    for (const [key, change] of this.#pending) {
      this.#pending.delete(key)
      return change
    }
    return undefined
  }

  /** Returns the next listed key as a `set`; `undefined` at the end of the listing. */
  async #readListing(listing: AsyncIterator<string, void>): Promise<StoreChange | undefined> {
    try {
      const { done, value: key } = await listing.next()
      if (!done) return { kind: 'set', key }
      this.#listing = undefined
    } catch (error) {
      const wasOpen = !this.#isEnded
      await this.end()
      if (wasOpen) throw error
    }
    return undefined
  }
}
