import { noop } from './async.ts'
import type { StoreChange } from './storage.ts'

/** How many changed keys wait for a reader. */
const MOST_PENDING = 1000

type Next = IteratorResult<StoreChange, undefined>

/** What `Store.watch` gives: changes, as they are made. */
export interface StoreWatch extends AsyncIterableIterator<StoreChange, undefined> {
  /** @throws StoreError what listing the keys throws, for a reader who fell behind; it is the end */
  next(): Promise<Next>
  /** Ends it, while somebody waits for the next change as well. */
  return(): Promise<Next>
}

/**
 * Changes on their way to one reader, bounded: of each key the last one waits, and a reader that
 * is too far behind is given the keys anew. Unlike a generator it can be ended while its reader waits.
 */
export class Watch implements StoreWatch {
  readonly #listKeys: () => AsyncIterator<string, void>
  readonly #pending = new Map<string, StoreChange>()
  /** What is told before the rest; `unknown`: that all is gone, and then every key there is. */
  #first: 'clear' | 'unknown' | undefined
  #ended = false
  #listing: AsyncIterator<string, void> | undefined
  #last: Promise<unknown> = Promise.resolve()
  #wake: () => void = noop
  /** Called once, when it ends. */
  onEnd: () => void = noop

  constructor(listKeys: () => AsyncIterator<string, void>) {
    this.#listKeys = listKeys
  }

  /** `unknown`: anything may have changed. */
  push(change: StoreChange | { readonly kind: 'unknown' }): void {
    // What a listing is about to show need not be told as well.
    if (this.#first === 'unknown') return
    if (change.kind === 'set' || change.kind === 'remove') {
      this.#pending.delete(change.key)
      this.#pending.set(change.key, change)
      if (this.#pending.size > MOST_PENDING) this.#begin('unknown')
    } else {
      this.#begin(change.kind)
    }
    this.#wake()
  }

  /** Resolves when a listing under way has ended too. */
  async end(): Promise<void> {
    const listing = this.#listing
    this.#listing = undefined
    if (!this.#ended) {
      this.#ended = true
      this.onEnd()
      this.#wake()
    }
    await listing?.return?.().catch(noop)
  }

  next(): Promise<Next> {
    const next = this.#last.then(() => this.#advance())
    this.#last = next.catch(noop)
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
    while (!this.#ended) {
      const listing = this.#listing
      const change = listing === undefined ? this.#take() : await this.#list(listing)
      if (this.#ended) break
      if (change !== undefined) return { done: false, value: change }
      if (listing === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return { done: true, value: undefined }
  }

  #begin(first: 'clear' | 'unknown'): void {
    this.#pending.clear()
    this.#first = first
  }

  #take(): StoreChange | undefined {
    if (this.#first !== undefined) {
      if (this.#first === 'unknown') this.#listing = this.#listKeys()
      this.#first = undefined
      return { kind: 'clear' }
    }
    for (const [key, change] of this.#pending) {
      this.#pending.delete(key)
      return change
    }
    return undefined
  }

  async #list(listing: AsyncIterator<string, void>): Promise<StoreChange | undefined> {
    try {
      const { done, value: key } = await listing.next()
      if (!done) return { kind: 'set', key }
      this.#listing = undefined
    } catch (error) {
      const wasOpen = !this.#ended
      await this.end()
      if (wasOpen) throw error
    }
    return undefined
  }
}
