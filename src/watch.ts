import { BOOLEAN, KEY, type OptionTypes, SIGNAL } from './arguments.ts'
import { noop } from './async.ts'
import type { StorageChange, StorageListener, StoreChange } from './storage.ts'
import type { Store } from './store.ts'
import type { KeyOf, StoreRecord } from './store-types.ts'

const MAX_PENDING_KEYS = 1000
/** How many values are read together, and the most that wait for the reader, which bounds their memory. */
const VALUES_PER_READ = 100

/** Selects what a watch reports. */
export interface WatchOptions {
  /** Reports only keys that begin with this string. Default: all keys. */
  readonly prefix?: string | undefined
  /** Ends the watch when it aborts. A signal that has aborted gives a watch that has ended. */
  readonly signal?: AbortSignal | undefined
  /** Whether the watch begins with a `set` for each key that exists. Default: false. */
  readonly initial?: boolean | undefined
  /** Whether each `set` carries the value, as {@link StoreValueChange}. Default: false. */
  readonly values?: boolean | undefined
}

/**
 * A change with the value, a new copy, and its expiry in milliseconds since 1970. The value is read
 * when the change is delivered, so it may be newer than the change.
 */
export type StoreValueChange<T extends object = Record<string, unknown>> =
  | ({ readonly kind: 'set'; readonly key: KeyOf<T> } & StoreRecord<T[KeyOf<T>]>)
  | {
      readonly kind: 'remove'
      readonly key: KeyOf<T>
      readonly value?: undefined
      readonly expires?: undefined
    }
  | {
      readonly kind: 'clear'
      readonly key?: undefined
      readonly value?: undefined
      readonly expires?: undefined
    }

/** The changes of a namespace, as `Store.watch` returns them. Iterate it with `for await`. */
export interface StoreWatch<C = StoreChange> extends AsyncIterableIterator<C> {
  /**
   * Resolves to the next change. If the watch must read keys or values and that fails, it rejects
   * with that error and the watch ends.
   */
  next(): Promise<IteratorResult<C, undefined>>
  /** Ends the watch. A pending `next()` resolves with `done: true`. */
  return(): Promise<IteratorResult<C, undefined>>
}

export const WATCH_OPTIONS: OptionTypes = {
  prefix: KEY,
  signal: SIGNAL,
  initial: BOOLEAN,
  values: BOOLEAN,
}

type KeyChange = Extract<StoreChange, { readonly key: string }>
type Next = IteratorResult<StoreChange, undefined>
type Listing = AsyncIterator<string | [key: string, record: StoreRecord<unknown>], void>

/**
 * The queue of changes between a storage and one reader. It keeps the last change of each key, and
 * of at most 1,000 keys; a reader that falls further behind gets a listing of all keys. A class, since
 * a generator cannot end while its reader waits.
 */
export class Watch implements StoreWatch {
  readonly #store: Pick<Store, 'keys' | 'record' | 'records'>
  readonly #options: WatchOptions
  /** Returns the time with which the store compares expiries. */
  readonly now: () => number
  /** What the reader gets next. */
  #ready: StoreChange[] = []
  #listing: Listing | undefined
  /** Whether a `clear` comes next. */
  #isClearDue = false
  /** Whether a listing comes next, and the pending changes after it. */
  #isListingDue: boolean
  readonly #pending = new Map<string, KeyChange>()
  #isEnded = false
  #lastNext: Promise<unknown> = Promise.resolve()
  #wake: () => void = noop
  #stop: () => void = noop
  /** Called when the reader has received all changes so far and waits for the next. */
  onIdle: () => void = noop

  /** @param options of the types of {@link WATCH_OPTIONS} */
  constructor(
    store: Pick<Store, 'keys' | 'record' | 'records'>,
    options: WatchOptions,
    now: () => number,
  ) {
    this.#store = store
    this.#options = options
    this.now = now
    this.#isListingDue = options.initial === true
  }

  /**
   * Begins to watch, unless the signal has aborted.
   *
   * @param subscribe adds a listener; returns the function that removes it
   */
  start(subscribe: (listener: StorageListener) => () => void): void {
    const { signal } = this.#options
    this.#isEnded = signal?.aborted === true
    if (this.#isEnded) return
    this.#stop = subscribe((change) => this.#push(change))
    signal?.addEventListener('abort', this.#onAbort)
  }

  /** Ends the watch. Resolves when a listing in progress has ended too. Never rejects. */
  async end(): Promise<void> {
    const listing = this.#listing
    this.#listing = undefined
    if (!this.#isEnded) {
      this.#isEnded = true
      this.#options.signal?.removeEventListener('abort', this.#onAbort)
      this.#wake()
      try {
        this.#stop()
      } catch {
        // The adapter failed to remove the listener, which ignores changes from now on.
      }
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

  readonly #onAbort = (): void => void this.end()

  #push(change: StorageChange): void {
    // The listing that is due will show the effect of this change.
    if (this.#isEnded || this.#isListingDue) return
    // An adapter may report anything.
    const { kind, key } = (change ?? {}) as { readonly kind?: unknown; readonly key?: unknown }
    if ((kind === 'set' || kind === 'remove') && typeof key === 'string') {
      if (!key.startsWith(this.#options.prefix ?? '')) return
      this.#pending.delete(key)
      this.#pending.set(key, { kind, key })
      if (this.#pending.size > MAX_PENDING_KEYS) this.#reset(true)
    } else {
      this.#reset(kind !== 'clear')
    }
    this.#wake()
  }

  /** Drops the changes so far: a `clear` makes them obsolete. */
  #reset(isListingDue: boolean): void {
    this.#pending.clear()
    this.#ready = []
    this.#isClearDue = true
    this.#isListingDue = isListingDue
  }

  async #advance(): Promise<Next> {
    while (!this.#isEnded) {
      const change = this.#ready.shift()
      if (change) return { done: false, value: change }
      if (this.#listing) {
        await this.#endOnError(this.#readListing(this.#listing))
      } else if (this.#isClearDue) {
        this.#isClearDue = false
        return { done: false, value: { kind: 'clear' } }
      } else if (this.#isListingDue) {
        this.#isListingDue = false
        this.#listing = this.#list()
      } else if (this.#pending.size > 0) {
        await this.#endOnError(this.#readPending())
      } else {
        this.onIdle()
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    }
    return { done: true, value: undefined }
  }

  #list(): Listing {
    const { prefix, values } = this.#options
    return values === true ? this.#store.records({ prefix }) : this.#store.keys({ prefix })
  }

  async #readListing(listing: Listing): Promise<void> {
    const { done, value: item } = await listing.next()
    if (done) this.#listing = undefined
    else if (typeof item === 'string') this.#ready = [{ kind: 'set', key: item }]
    else this.#ready = [toSet(...item)]
  }

  /** Takes the next change; with values, as many as one read of values may have. */
  async #readPending(): Promise<void> {
    const hasValues = this.#options.values === true
    const changes = [...this.#pending.values()].slice(0, hasValues ? VALUES_PER_READ : 1)
    for (const { key } of changes) this.#pending.delete(key)
    // The store reads the values in one batch, since these calls are of one tick.
    this.#ready = hasValues ? await Promise.all(changes.map(this.#addValue)) : changes
  }

  readonly #addValue = async (change: KeyChange): Promise<StoreChange> => {
    if (change.kind === 'remove') return change
    const record = await this.#store.record(change.key)
    return record ? toSet(change.key, record) : { kind: 'remove', key: change.key }
  }

  async #endOnError(read: Promise<void>): Promise<void> {
    try {
      await read
    } catch (error) {
      const wasOpen = !this.#isEnded
      await this.end()
      if (wasOpen) throw error
    }
  }
}

/**
 * Creates the watch of a store. A storage with `watch` has it as its member of the same name, and
 * does not call it.
 *
 * @param options of `Store.watch`, with their types checked
 * @param now returns the time with which the store compares expiries
 *
 * @example
 * class MyStorage extends BatchStorageBase {
 *   readonly createWatch = createWatch
 *   watch(listener: StorageListener) { return subscribe(listener) }
 * }
 */
export function createWatch(
  store: Pick<Store, 'keys' | 'record' | 'records'>,
  options: WatchOptions,
  now: () => number,
): Watch {
  return new Watch(store, options, now)
}

function toSet(key: string, record: StoreRecord<unknown>): StoreValueChange {
  return { kind: 'set', key, ...record }
}
