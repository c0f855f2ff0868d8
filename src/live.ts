import { checkOptions, CLEAR_OPTIONS } from './arguments.ts'
import { type StoreError, toStoreError } from './errors.ts'
import { byCodeUnit } from './key.ts'
import { isLive } from './entry.ts'
import type { Store } from './store.ts'
import type { KeyOf } from './store-types.ts'
import type { StoreMixed } from './store-mixin.ts'
import type { StoreValueChange, Watch } from './watch.ts'

/** The least time between two notifications. */
const MIN_INTERVAL_MS = 50
/** The longest delay of `setTimeout`, about 25 days. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** A key with its value. It stays the same object until the key changes. */
export type LiveEntry<T extends object> = readonly [key: KeyOf<T>, value: T[KeyOf<T>]]

/** What a view shows at one time. It never changes: a change gives a new snapshot. */
export interface LiveSnapshot<T extends object = Record<string, unknown>> {
  /** The entries that have not expired, in ascending order of their keys, by UTF-16 code unit. */
  readonly entries: readonly LiveEntry<T>[]
  /** Whether the entries have been read. Until then `entries` is empty. */
  readonly isLoaded: boolean
  /** Why the view no longer follows the store, until it is subscribed to again. */
  readonly error: StoreError | undefined
}

/**
 * The entries of a store as they change. It fits React's `useSyncExternalStore`, and is a store of
 * Svelte. Its functions need no `this`.
 */
export interface LiveView<T extends object = Record<string, unknown>> {
  /**
   * Calls a listener with the snapshot at once, and with each new snapshot. The view watches the
   * store while it has a listener, and then keeps its last snapshot. Never throws or rejects for an
   * error of the store: it is in the snapshot. When the store closes, no listener is called.
   *
   * @returns the function that removes the listener
   */
  readonly subscribe: (listener: (snapshot: LiveSnapshot<T>) => void) => () => void
  /** Returns the current snapshot: the same object until something changes. */
  readonly getSnapshot: () => LiveSnapshot<T>
}

/** Selects what a view shows. */
export interface LiveOptions {
  /** Shows only keys that begin with this string. Default: all keys. */
  readonly prefix?: string | undefined
}

/**
 * Creates a view of a store for a user interface. Changes in close succession, here or in other
 * tabs, give one notification; there are at most 20 a second. Entries disappear when they expire.
 *
 * @param options `prefix`: show only keys that begin with it
 * @throws StoreError `INVALID_VALUE` for other options. Other errors, such as `UNAVAILABLE` where
 * `traits.watch` is false, are in the snapshot.
 *
 * @example
 * const todo = live(store, { prefix: 'todo/' })
 * const stop = todo.subscribe(({ entries }) => console.log(entries))
 */
export function live<T extends object = Record<string, unknown>>(
  store: Store<T> | StoreMixed<T>,
  options?: LiveOptions,
): LiveView<T> {
  const { prefix } = checkOptions(options, CLEAR_OPTIONS)
  const subscribers = new Set<{ readonly listener: (snapshot: LiveSnapshot<T>) => void }>()
  let snapshot: LiveSnapshot<T> = { entries: [], isLoaded: false, error: undefined }
  let controller = new AbortController()

  const publish = (changed: Partial<LiveSnapshot<T>>): void => {
    snapshot = { ...snapshot, ...changed }
    for (const subscriber of subscribers) {
      // A listener that throws must not keep others from being called.
      queueMicrotask(() => {
        if (subscribers.has(subscriber)) subscriber.listener(snapshot)
      })
    }
  }

  return {
    subscribe(listener) {
      listener(snapshot)
      // An object of its own, since a function may be subscribed twice.
      const subscriber = { listener }
      subscribers.add(subscriber)
      if (subscribers.size === 1) {
        controller = new AbortController()
        void new Follower(store, prefix, controller.signal, publish).run()
      }
      return () => {
        if (subscribers.delete(subscriber) && subscribers.size === 0) controller.abort()
      }
    },
    getSnapshot: () => snapshot,
  }
}

/** Applies the changes of a store to a list of its entries, and publishes the list. */
class Follower<T extends object> {
  readonly #store: Store<T> | StoreMixed<T>
  readonly #prefix: string | undefined
  readonly #signal: AbortSignal
  readonly #publish: (changed: Partial<LiveSnapshot<T>>) => void
  readonly #records = new Map<
    string,
    { readonly entry: LiveEntry<T>; readonly expires: number | undefined }
  >()
  /** Whether the records are complete: false during a listing. */
  #isComplete = false
  #hasChanged = true
  readonly #publishTimer = new Timer()
  #publishAt = Infinity
  #publishedAt = -Infinity
  readonly #expiryTimer = new Timer()
  #now: () => number = Date.now

  constructor(
    store: Store<T> | StoreMixed<T>,
    prefix: string | undefined,
    signal: AbortSignal,
    publish: (changed: Partial<LiveSnapshot<T>>) => void,
  ) {
    this.#store = store
    this.#prefix = prefix
    this.#signal = signal
    this.#publish = publish
  }

  /** Follows the store until the signal aborts, the store closes or a read fails. Never rejects. */
  async run(): Promise<void> {
    try {
      const options = { prefix: this.#prefix, signal: this.#signal, initial: true, values: true }
      const watch = this.#store.watch(options) as unknown as Watch
      this.#now = watch.now
      watch.onIdle = () => {
        this.#isComplete = true
        this.#schedule(0)
      }
      for await (const change of watch) {
        this.#apply(change as StoreValueChange<T>)
        // Changes that never pause are shown too.
        this.#schedule(MIN_INTERVAL_MS)
      }
    } catch (error) {
      this.#publish({ error: toStoreError(error, {}) })
    } finally {
      this.#publishTimer.clear()
      this.#expiryTimer.clear()
    }
  }

  #apply(change: StoreValueChange<T>): void {
    if (change.kind === 'set') {
      const { key, value, expires } = change
      this.#records.set(key, { entry: [key, value], expires })
      this.#hasChanged = true
    } else if (change.kind === 'remove') {
      this.#hasChanged = this.#records.delete(change.key) || this.#hasChanged
    } else {
      this.#hasChanged ||= this.#records.size > 0
      this.#records.clear()
      // A listing may follow.
      this.#isComplete = false
    }
  }

  /** Publishes what has changed in `delay` milliseconds or later, if it is not due earlier. */
  #schedule(delay: number): void {
    if (!this.#hasChanged) return
    const now = performance.now()
    const publishAt = Math.max(now + delay, this.#publishedAt + MIN_INTERVAL_MS)
    if (publishAt >= this.#publishAt) return
    this.#publishAt = publishAt
    this.#publishTimer.set(this.#onTimer, publishAt - now)
  }

  readonly #onTimer = (): void => {
    this.#publishTimer.clear()
    this.#expiryTimer.clear()
    this.#publishAt = Infinity
    // The watch is idle once the listing has ended.
    if (this.#signal.aborted || !this.#isComplete) return
    const nextExpiry = this.#removeExpired()
    if (this.#hasChanged) {
      this.#hasChanged = false
      this.#publishedAt = performance.now()
      const entries = Array.from(this.#records.values(), ({ entry }) => entry)
      entries.sort(([a], [b]) => byCodeUnit(a, b))
      this.#publish({ entries, isLoaded: true, error: undefined })
    }
    if (nextExpiry === Infinity) return
    // Entries that expire in close succession give one notification too.
    const pause = this.#publishedAt + MIN_INTERVAL_MS - performance.now()
    this.#expiryTimer.set(this.#onTimer, Math.max(nextExpiry - this.#now(), pause))
    this.#expiryTimer.unref()
  }

  /** Returns when the next entry expires, in milliseconds since 1970; `Infinity`: never. */
  #removeExpired(): number {
    const now = this.#now()
    let nextExpiry = Infinity
    for (const [key, record] of this.#records) {
      if (isLive(record, now)) nextExpiry = Math.min(nextExpiry, record.expires ?? Infinity)
      else this.#hasChanged = this.#records.delete(key)
    }
    return nextExpiry
  }
}

/** A timeout that can be set again. */
class Timer {
  #id: ReturnType<typeof setTimeout> | undefined

  /** Calls a function once, after at most `MAX_DELAY_MS`. */
  set(run: () => void, delay: number): void {
    this.clear()
    this.#id = setTimeout(run, Math.min(delay, MAX_DELAY_MS))
  }

  /** Lets a Node process end before the timeout. Other platforms return a number without `unref`. */
  unref(): void {
    ;(this.#id as { unref?: () => void } | undefined)?.unref?.()
  }

  clear(): void {
    if (this.#id !== undefined) clearTimeout(this.#id)
  }
}
