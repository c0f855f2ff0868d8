import { checkFunction, type SetOptions, toEntries } from './arguments.ts'
import { noop, thenSync } from './async.ts'
import {
  changeFor,
  copyForKey,
  createSetChange,
  ifLive,
  resolveExpiry,
  type WriteContext,
} from './changes.ts'
import { StoreError, toStoreError } from './errors.ts'
import { checkKey } from './key.ts'
import type { Decision } from './queue/operation.ts'
import type { OperationQueue } from './queue/operation-queue.ts'
import type { Entry, KeysOptions, SetChange, Traits } from './storage.ts'
import { recopy } from './value/copy-value.ts'
import { type StoreWatch, Watch } from './watch.ts'

/** The keys of a store with values of shape `T`. */
export type KeyOf<T extends object> = keyof T & string

/** A key with its value, as in a `Map`. */
export type StoreEntry<T extends object> = [key: KeyOf<T>, value: T[KeyOf<T>]]

/** A function that takes the current value and returns the next one; `undefined` removes the key. */
export type Updater<V> = (current: V | undefined) => V | undefined | Promise<V | undefined>

/** A value with its expiry. */
export interface StoreRecord<V> {
  readonly value: V
  /** When the value expires, in milliseconds since 1970; absent: never. */
  readonly expires?: number
}

/** What a runtime passes to each store of a namespace. */
export interface StoreContext extends WriteContext {
  readonly queue: OperationQueue
  readonly allowLostUpdates: boolean
  /** Releases the namespace. The store calls it once, when it closes. */
  release(): Promise<void>
}

/**
 * Reads and writes one namespace, like an asynchronous `Map` that persists. `StorageRuntime.open`
 * opens it. `T` gives each key its type of value; `Record<string, V>` is a plain dictionary.
 *
 * A key is any string without unpaired surrogates, of at most `traits.maxKeyBytes` bytes of UTF-8.
 * A value is JSON data or anything else that a structured clone keeps in JavaScript: `undefined`
 * within, `NaN`, bigint, `Date`, `RegExp`, `Map`, `Set`, `ArrayBuffer` and its views, errors, shared
 * references and cycles. It is copied at the time of the call, and every read returns a new copy.
 *
 * A call that fails rejects with a `StoreError`; `watch` throws one. `update` and `mutable` also
 * reject with what their function throws.
 * - Before any I/O: `STORE_NOT_OPEN` during and after `close()`, `INVALID_KEY`, and, where a value
 *   is passed, `INVALID_VALUE` and `TOO_LARGE`.
 * - Errors of the backend, such as `QUOTA_EXCEEDED`, `CONNECTION_LOST` or `BACKEND_ERROR`.
 */
export class Store<T extends object = Record<string, unknown>> implements AsyncIterable<
  StoreEntry<T>
> {
  readonly #context: StoreContext
  #pendingOperations = 0
  #onIdle: () => void = noop
  readonly #onSettled = (): void => {
    this.#pendingOperations--
    if (this.#pendingOperations === 0) this.#onIdle()
  }
  #closing: Promise<void> | undefined
  readonly #watches = new Set<Watch>()

  /** Called by `StorageRuntime.open` only. */
  constructor(context: StoreContext) {
    this.#context = context
  }

  /** The namespace that the store was opened with. */
  get namespace(): string {
    return this.#context.namespace
  }

  /** What the backend promises, such as the size of the largest value. */
  get traits(): Traits {
    return this.#context.traits
  }

  /** Whether the store accepts operations: false from the call of `close()` on. */
  get isOpen(): boolean {
    return this.#closing === undefined
  }

  /**
   * Reads a value. Resolves to `undefined` if the key is missing or has expired.
   *
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   */
  async get<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
    return (await this.#read(key))?.value as T[K] | undefined
  }

  /**
   * Reads a value with its expiry. Resolves to `undefined` if the key is missing or has expired.
   *
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   */
  async record<K extends KeyOf<T>>(key: K): Promise<StoreRecord<T[K]> | undefined> {
    const entry = await this.#read(key)
    return entry && toRecord<T[K]>(entry)
  }

  /**
   * Tests whether a key has a value that has not expired.
   *
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   */
  async has(key: KeyOf<T>): Promise<boolean> {
    return (await this.#read(key)) !== undefined
  }

  /**
   * Stores a value. It replaces the current value with its expiry: without options the key never
   * expires.
   *
   * @throws StoreError `INVALID_KEY`, `INVALID_VALUE` (also for invalid options), `TOO_LARGE`
   *
   * @example
   * await store.set('greeting', 'hello')
   * await store.set('session', { user: 'ann' }, { ttl: 60_000 })
   * await store.set('offer', 'tea', { expires: Date.UTC(2027, 0, 1) })
   */
  async set<K extends KeyOf<T>>(key: K, value: T[K], options?: SetOptions): Promise<void> {
    this.#checkKey(key)
    const change = createSetChange(this.#context, key, value, resolveExpiry(this.#context, options))
    await this.#track(this.#context.queue.write([change]))
  }

  /**
   * Removes a key, if it exists.
   *
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   */
  async delete(key: KeyOf<T>): Promise<void> {
    this.#checkKey(key)
    await this.#track(this.#context.queue.write([{ key, remove: true }]))
  }

  /**
   * Stores several values together: all or none. The last of several entries with the same key wins.
   *
   * Where `traits.atomic` is `none`, the runtime's option `allowLostUpdates` makes it store them one
   * after another. If one fails, those before it stay stored.
   *
   * @param entries a plain object, a `Map` or an iterable of `[key, value, options?]`
   * @param options the options of every entry that has none of its own
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `INVALID_KEY`, `INVALID_VALUE`,
   * `TOO_LARGE`
   *
   * @example
   * await store.setMany({ ann: 1, bob: 2 })
   * await store.setMany([['ann', 1], ['bob', 2, { ttl: 60_000 }]], { ttl: 3_600_000 })
   */
  async setMany(
    entries:
      | Partial<T>
      | Iterable<readonly [key: KeyOf<T>, value: T[KeyOf<T>], options?: SetOptions]>,
    options?: SetOptions,
  ): Promise<void> {
    this.#checkAtomic('setMany')
    const expires = resolveExpiry(this.#context, options)
    const group = new Map<string, SetChange>()
    for (const [key, value, own] of toEntries(entries)) {
      this.#checkKey(key)
      const ownExpires = own === undefined ? expires : resolveExpiry(this.#context, own)
      group.set(key, createSetChange(this.#context, key, value, ownExpires))
    }
    if (group.size > 0) await this.#track(this.#context.queue.write([...group.values()]))
  }

  /**
   * Replaces a value by the result of a function, in one atomic step. Resolves to the stored value.
   * The key keeps its expiry.
   *
   * @param updater takes the current value and returns the next one, or `undefined` to remove the
   * key; it may be async. It runs again if another client writes first: keep it free of side
   * effects. It must not write the key that it updates. Before the updater first awaits, such a
   * write rejects with `CONFLICT` at once; after that the write succeeds, and `update` conflicts
   * with it until it rejects with `CONFLICT` after 100 attempts. If the updater throws, nothing is
   * stored and `update` rejects with that error.
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `CONFLICT` after 100 conflicts
   * with other writers; `INVALID_KEY`, `INVALID_VALUE`, `TOO_LARGE`
   *
   * @example
   * const karma = await store.update('ann', (n = 0) => n + 1)
   */
  async update<K extends KeyOf<T>>(key: K, updater: Updater<T[K]>): Promise<T[K] | undefined> {
    checkFunction('update', updater)
    const updated = this.#runStep(key, 'update', (live, stored) =>
      thenSync(updater(live?.value as T[K] | undefined), (next) =>
        this.#decide(key, live, stored, next),
      ),
    )
    return (await updated) as T[K] | undefined
  }

  /**
   * Changes a value in place, in one atomic step. Resolves to the stored value. The key keeps its
   * expiry.
   *
   * @param mutate takes a draft of the value and changes it; its result is ignored. It may be async
   * and may run more than once, like the function of {@link update}.
   * @param initial the draft for a missing key. Without it, `mutate` gets `undefined` for a missing
   * key and nothing is stored.
   * @throws StoreError as {@link update}
   *
   * @example
   * await store.mutable('todo', (list) => list.push('milk'), [])
   */
  mutable<K extends KeyOf<T>>(
    key: K,
    mutate: (draft: T[K]) => unknown,
    initial: T[K],
  ): Promise<T[K]>
  mutable<K extends KeyOf<T>>(
    key: K,
    mutate: (draft: T[K] | undefined) => unknown,
  ): Promise<T[K] | undefined>
  async mutable<K extends KeyOf<T>>(
    key: K,
    mutate: (draft: T[K]) => unknown,
    initial?: T[K],
  ): Promise<T[K] | undefined> {
    this.#checkKey(key)
    checkFunction('mutable', mutate)
    const initialCopy =
      initial === undefined ? undefined : copyForKey(this.#context, key, initial).value
    const mutated = this.#runStep(key, 'mutable', (live, stored) => {
      const draft = live === undefined ? recopy(initialCopy) : live.value
      return thenSync(mutate(draft as T[K]), () => this.#decide(key, live, stored, draft))
    })
    return (await mutated) as T[K] | undefined
  }

  /**
   * Reads a value; if the key is missing, stores `initial` and resolves to it. One atomic step.
   *
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `CONFLICT` after 100 conflicts
   * with other writers; `INVALID_KEY`, `INVALID_VALUE`, `TOO_LARGE`
   *
   * @example
   * const settings = await store.getOrInsert('settings', { language: 'en' })
   */
  async getOrInsert<K extends KeyOf<T>>(key: K, initial: T[K]): Promise<T[K]> {
    this.#checkKey(key)
    const initialCopy = copyForKey(this.#context, key, initial).value
    const value = this.#runStep(key, 'getOrInsert', (live, stored) =>
      live === undefined ? this.#decide(key, live, stored, initialCopy) : { result: live.value },
    )
    return (await value) as T[K]
  }

  /**
   * Removes a key and resolves to its value, in one atomic step; to `undefined` if it was missing.
   *
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `CONFLICT` after 100 conflicts
   * with other writers; `INVALID_KEY`
   */
  async pop<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
    const popped = this.#runStep(key, 'pop', (live, stored) => ({
      changes: stored && [{ key, remove: true }],
      result: live?.value,
    }))
    return (await popped) as T[K] | undefined
  }

  /**
   * Counts the keys that have not expired.
   *
   * @throws StoreError `STORE_NOT_OPEN`, or an error of the backend
   */
  async size(): Promise<number> {
    this.#checkOpen()
    return this.#track(this.#context.queue.liveLen(this.#context.now()))
  }

  /**
   * Removes every key of this namespace.
   *
   * @throws StoreError `STORE_NOT_OPEN`, or an error of the backend
   */
  async clear(): Promise<void> {
    this.#checkOpen()
    await this.#track(this.#context.queue.clear())
  }

  /**
   * Lists the keys that have not expired, each once. The order depends on the backend.
   *
   * @param options `prefix`: list only keys that begin with it
   * @throws StoreError `INVALID_KEY` if `prefix` cannot be a key; `STORE_NOT_OPEN`, also when the
   * store closes during the listing; or an error of the backend
   *
   * @example
   * for await (const key of store.keys({ prefix: 'user/' })) console.log(key)
   */
  keys(options?: KeysOptions): AsyncGenerator<KeyOf<T>, void, undefined> {
    const { queue } = this.#context
    return this.#list(
      options,
      (checked) => queue.storage.liveKeys(this.#context.now(), checked),
      (key) => key as KeyOf<T>,
    )
  }

  /**
   * Lists the values, like {@link entries}.
   *
   * @throws StoreError as {@link keys}
   *
   * @example
   * for await (const score of store.values({ prefix: 'score/' })) total += score
   */
  values(options?: KeysOptions): AsyncGenerator<T[KeyOf<T>], void, undefined> {
    return this.#listLive(options, (_, { value }) => value as T[KeyOf<T>])
  }

  /**
   * Lists the keys with their values, like {@link keys}. A key that is written during the listing
   * appears with its older or its newer value.
   *
   * @throws StoreError as {@link keys}
   *
   * @example
   * for await (const [key, value] of store.entries({ prefix: 'user/' })) console.log(key, value)
   */
  entries(options?: KeysOptions): AsyncGenerator<StoreEntry<T>, void, undefined> {
    return this.#listLive(options, (key, { value }) => [key, value as T[KeyOf<T>]])
  }

  /**
   * Lists the keys with their values and expiries, like {@link entries}.
   *
   * @throws StoreError as {@link keys}
   *
   * @example
   * for await (const [key, { value, expires }] of store.records()) console.log(key, value, expires)
   */
  records(
    options?: KeysOptions,
  ): AsyncGenerator<[key: KeyOf<T>, record: StoreRecord<T[KeyOf<T>]>], void, undefined> {
    return this.#listLive(options, (key, live) => [key, toRecord<T[KeyOf<T>]>(live)])
  }

  /** Lists the keys with their values, for `for await`: {@link entries} without options. */
  [Symbol.asyncIterator](): AsyncGenerator<StoreEntry<T>, void, undefined> {
    return this.entries()
  }

  /**
   * Watches the namespace: returns an iterator over all changes from now on, by this store or any
   * other client. It ends when the store closes or its `return()` is called. A reader that applies
   * the changes in order to a list of the keys ends up with the right list. Expiry is not reported.
   *
   * At most 1,000 changed keys wait for the reader, each with its last change. A reader that falls
   * further behind gets a `clear`, then a `set` for each key.
   *
   * @throws StoreError `UNAVAILABLE` if `traits.watch` is false; `STORE_NOT_OPEN`
   *
   * @example
   * for await (const { kind, key } of store.watch()) {
   *   if (kind === 'set') console.log(key, await store.get(key))
   * }
   */
  watch(): StoreWatch {
    this.#checkOpen()
    const watch = new Watch(() => this.keys())
    const stop = this.#context.queue.storage.watch?.((change) => watch.push(change))
    if (stop === undefined) {
      throw new StoreError(
        'UNAVAILABLE',
        'watch() needs traits.watch, which is false here; read the keys again.',
        { namespace: this.namespace },
      )
    }
    this.#watches.add(watch)
    watch.onEnd = () => {
      stop()
      this.#watches.delete(watch)
    }
    return watch
  }

  /**
   * Closes the store: ends its watches, waits for its operations and releases the namespace. A
   * function passed to `update` or `mutable` must not await it, or neither of the two settles.
   *
   * @throws StoreError `STORE_NOT_OPEN` if it was called before; or an error of the backend
   */
  async close(): Promise<void> {
    this.#checkOpen()
    this.#closing = this.#close()
    await this.#closing
  }

  /** Closes the store, for `await using`. It may be closing or closed already. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#closing?.catch(noop) ?? this.close())
  }

  async #close(): Promise<void> {
    const watches = [...this.#watches].map((watch) => watch.end())
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
      if (this.#pendingOperations === 0) resolve()
    })
    await Promise.all([...watches, idle])
    await this.#context.release()
  }

  async #read(key: string): Promise<Entry | undefined> {
    this.#checkKey(key)
    return ifLive(this.#context, await this.#track(this.#context.queue.read(key)))
  }

  /**
   * Runs a read-modify-write.
   *
   * @param decide takes the entry of the key twice: unless it has expired, and expired or not
   */
  async #runStep<R>(
    key: string,
    method: string,
    decide: (
      live: Entry | undefined,
      stored: Entry | undefined,
    ) => Decision<R> | Promise<Decision<R>>,
  ): Promise<R> {
    this.#checkKey(key)
    this.#checkAtomic(method)
    return this.#track(
      this.#context.queue.update([key], ([stored]) =>
        decide(ifLive(this.#context, stored), stored),
      ),
    )
  }

  /** Decides on a key: `next` becomes its value. The result is a copy of it. */
  #decide(
    key: string,
    live: Entry | undefined,
    stored: Entry | undefined,
    next: unknown,
  ): Decision {
    const change = changeFor(this.#context, key, live, stored, next)
    return {
      changes: change && [change],
      result: change && 'entry' in change ? recopy(change.entry.value) : undefined,
    }
  }

  #listLive<B>(
    options: KeysOptions | undefined,
    toItem: (key: KeyOf<T>, live: Entry) => B,
  ): AsyncGenerator<B, void, undefined> {
    return this.#list(
      options,
      (checked) => this.#context.queue.storage.entries(checked),
      ([key, entry]) => {
        const live = ifLive(this.#context, entry)
        return live && toItem(key as KeyOf<T>, live)
      },
    )
  }

  /**
   * Lists a storage while the store is open. `close` waits for a read in progress, but not for the
   * reader of the listing.
   *
   * @param toItem converts what the storage lists; `undefined` leaves it out
   */
  async *#list<A, B>(
    options: KeysOptions | undefined,
    list: (options: KeysOptions) => AsyncIterable<A>,
    toItem: (listed: A) => B | undefined,
  ): AsyncGenerator<B, void, undefined> {
    const checked = this.#checkOptions(options)
    const source = this.#context.queue.list(() => list(checked))
    try {
      for (;;) {
        this.#checkOpen()
        const next = await this.#track(source.next())
        if (next.done) return
        this.#checkOpen()
        const item = toItem(next.value)
        if (item !== undefined) yield item
      }
    } finally {
      await source.return(undefined)
    }
  }

  /** Makes `close` wait until an operation has settled. */
  #track<R>(operation: Promise<R>): Promise<R> {
    this.#pendingOperations++
    operation.then(this.#onSettled, this.#onSettled)
    return operation
  }

  #checkOptions(options: KeysOptions | undefined): KeysOptions {
    const { prefix = '' } = options ?? {}
    this.#checkKey(prefix)
    return { prefix }
  }

  #checkKey(key: unknown): void {
    this.#checkOpen()
    try {
      checkKey(key, this.#context.traits.maxKeyBytes)
    } catch (error) {
      throw toStoreError(error, { namespace: this.namespace })
    }
  }

  #checkOpen(): void {
    if (this.isOpen) return
    throw new StoreError('STORE_NOT_OPEN', 'The store is closed; open it again.', {
      namespace: this.namespace,
    })
  }

  #checkAtomic(method: string): void {
    this.#checkOpen()
    if (this.#context.traits.atomic !== 'none' || this.#context.allowLostUpdates) return
    throw new StoreError(
      'NOT_ATOMIC',
      `${method}() needs an atomic backend; traits.atomic is "none" here. Use another backend, or start the runtime with { allowLostUpdates: true }, which may lose concurrent writes.`,
      { namespace: this.namespace },
    )
  }
}

function toRecord<V>({ value, expires }: Entry): StoreRecord<V> {
  return expires === undefined ? { value: value as V } : { value: value as V, expires }
}
