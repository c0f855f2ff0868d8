/// <reference lib="esnext.disposable" preserve="true" />
// The declarations keep this line, so users need not name the library in `lib`.
import {
  APPEND_OPTIONS,
  type AppendOptions,
  checkArgument,
  checkOptions,
  CLEAR_OPTIONS,
  type ClearOptions,
  EXPIRY_OPTIONS,
  type ExpiryOptions,
  FINITE_NUMBER,
  FUNCTION,
  KEYS_OPTIONS,
  type OptionTypes,
  STEP_OPTIONS,
  type StepOptions,
  toEntries,
  toKeys,
  WRITE_OPTIONS,
  type WriteOptions,
} from './arguments.ts'
import { type MaybePromise, noop, thenSync } from './async.ts'
import {
  copyForKey,
  checkValue,
  createSetChange,
  ifLive,
  resolveExpiry,
  toRecord,
  type WriteContext,
} from './changes.ts'
import { checkEntry, checkName } from './backend-reply.ts'
import { StoreError, toStoreError } from './errors.ts'
import { checkKey } from './key.ts'
import type { Decision, Entries } from './queue/operation.ts'
import type { OperationQueue } from './queue/operation-queue.ts'
import { stampOf } from './stamp.ts'
import { nextExpires, resultOfStored, runStep, type Step } from './step.ts'
import { createEntry, type Entry, isLive } from './entry.ts'
import type { Listing } from './listing.ts'
import type { Change, KeysOptions, SetChange, Traits } from './storage.ts'
import type {
  ItemOf,
  KeyOf,
  ListKeyOf,
  NumberKeyOf,
  StoreEntry,
  StoreRecord,
  Updater,
} from './store-types.ts'
import { limitTime } from './time-limit.ts'
import { type StoreTransaction, TransactionDraft } from './transaction.ts'
import { recopy } from './value/copy-value.ts'
import {
  type StoreValueChange,
  type StoreWatch,
  type Watch,
  WATCH_OPTIONS,
  type WatchOptions,
} from './watch.ts'

/** What a runtime passes to each store of a namespace. */
export interface StoreContext extends WriteContext {
  readonly queue: OperationQueue
  readonly allowLostUpdates: boolean
  /** How long `close` waits for operations, in milliseconds. */
  readonly operationTimeout: number
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
 * A call that fails rejects with a `StoreError`; `watch` throws one. `update`, `mutable` and
 * `transaction` also reject with what their function throws.
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
  readonly #onResult = (result: unknown): unknown => {
    this.#onSettled()
    return result
  }
  readonly #onError = (error: unknown): never => {
    this.#onSettled()
    throw error
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
    return !this.#closing
  }

  /**
   * Reads a value. Resolves to `undefined` if the key is missing or has expired.
   *
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   */
  async get<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
    const entry = this.#read(key)
    // Without `await`, what is known already takes no microtask.
    return (entry instanceof Promise ? await entry : entry)?.value as T[K] | undefined
  }

  /**
   * Reads a value with its expiry. Resolves to `undefined` if the key is missing or has expired.
   *
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   */
  async record<K extends KeyOf<T>>(key: K): Promise<StoreRecord<T[K]> | undefined> {
    const entry = await this.#read(key)
    return entry && toRecord<T[K]>(this.#context, entry)
  }

  /**
   * Tests whether a key has a value that has not expired.
   *
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   */
  async has(key: KeyOf<T>): Promise<boolean> {
    this.#checkKey(key)
    const entry = await this.#track(this.#context.queue.read(key))
    return entry !== undefined && isLive(entry, this.#context.now())
  }

  /**
   * Reads several values. Resolves to a map of the keys that have a value, in the order of `keys`.
   * The reads are part of one batch, and so one call to the backend, but no snapshot.
   *
   * @param keys a list of keys or another iterable
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   *
   * @example
   * const scores = await store.getMany(['ann', 'bob'])
   * console.log(scores.get('ann'))
   */
  async getMany<K extends KeyOf<T>>(keys: Iterable<K>): Promise<Map<K, T[K]>> {
    const names = this.#checkKeys('getMany', keys) as readonly K[]
    const entries = await Promise.all(names.map((key) => Promise.resolve(this.#read(key))))
    const found = new Map<K, T[K]>()
    for (const [index, key] of names.entries()) {
      const entry = entries[index]
      if (entry) found.set(key, entry.value as T[K])
    }
    return found
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
  async set<K extends KeyOf<T>>(key: K, value: T[K], options?: WriteOptions): Promise<void> {
    this.#checkKey(key)
    const expiry = resolveExpiry(this.#context, options, WRITE_OPTIONS)
    const change = createSetChange(this.#context, key, value, expiry?.expires, options?.version)
    const writing = this.#track(this.#context.queue.write([change]))
    if (writing) await writing
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
   * Removes several keys together: all or none. Keys that do not exist are ignored. Where
   * `traits.atomic` is `none`, each key is removed on its own: if one fails, others may be removed.
   *
   * @param keys a list of keys or another iterable
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_KEY`, or an error of the backend
   *
   * @example
   * await store.deleteMany(['ann', 'bob'])
   */
  async deleteMany(keys: Iterable<KeyOf<T>>): Promise<void> {
    const names = this.#checkKeys('deleteMany', keys) as readonly KeyOf<T>[]
    if (names.length === 0) return
    const changes = names.map((key): Change => ({ key, remove: true }))
    await this.#track(this.#context.queue.write(changes))
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
      | Iterable<readonly [key: KeyOf<T>, value: T[KeyOf<T>], options?: WriteOptions]>,
    options?: WriteOptions,
  ): Promise<void> {
    this.#checkAtomic('setMany')
    const expiry = resolveExpiry(this.#context, options, WRITE_OPTIONS)
    const group = new Map<string, SetChange>()
    for (const [key, value, own] of toEntries(entries, this.namespace)) {
      this.#checkKey(key)
      const ownExpiry =
        own === undefined ? expiry : resolveExpiry(this.#context, own, WRITE_OPTIONS)
      const stamp = (own ?? options)?.version
      group.set(key, createSetChange(this.#context, key, value, ownExpiry?.expires, stamp))
    }
    if (group.size > 0) await this.#track(this.#context.queue.write([...group.values()]))
  }

  /**
   * Stores a value only if the key is missing, in one atomic step. Resolves to whether it did. Of
   * several clients that insert the same key at once, exactly one gets `true`.
   *
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `INVALID_KEY`, `INVALID_VALUE`,
   * `TOO_LARGE`
   *
   * @example
   * const isFirst = await store.insert(`update/${id}`, true, { ttl: 86_400_000 })
   */
  async insert<K extends KeyOf<T>>(key: K, value: T[K], options?: WriteOptions): Promise<boolean> {
    this.#checkKey(key)
    return (await this.#runInsert('insert', key, value, options, WRITE_OPTIONS)) as boolean
  }

  /**
   * Adds to a number, in one atomic step. Resolves to the sum. A missing key counts as 0. Where the
   * backend runs the step itself, as a Durable Object does, it takes one call, regardless of other
   * clients.
   *
   * @param by what to add: a finite number, which may be negative. Default: 1
   * @param options an expiry to set, with `onInsert: true` only if the key is missing
   * @throws StoreError `INVALID_VALUE` if the value or `by` is no number; `NOT_ATOMIC`,
   * `INVALID_KEY`
   *
   * @example
   * const requests = await store.increment(user, 1, { ttl: 60_000, onInsert: true })
   */
  async increment(key: NumberKeyOf<T>, by = 1, options?: StepOptions): Promise<number> {
    this.#checkKey(key)
    checkArgument('increment', by, FINITE_NUMBER, this.namespace)
    const expiry = resolveExpiry(this.#context, options, STEP_OPTIONS)
    return (await this.#runData(key, { kind: 'increment', by, expiry })) as number
  }

  /**
   * Adds an item at the end of a list, in one atomic step. Resolves to the length of the list. A
   * missing key counts as an empty list.
   *
   * @param options `max`: keep only the last `max` items; an expiry to set, with `onInsert: true` only
   * if the key is missing
   * @throws StoreError `INVALID_VALUE` if the value is no list; `TOO_LARGE`, `NOT_ATOMIC`,
   * `INVALID_KEY`
   *
   * @example
   * await store.append('log', { at: Date.now(), text }, { max: 100 })
   */
  async append<K extends ListKeyOf<T>>(
    key: K,
    item: ItemOf<T[K]>,
    options?: AppendOptions,
  ): Promise<number> {
    this.#checkKey(key)
    const expiry = resolveExpiry(this.#context, options, APPEND_OPTIONS)
    const max = options?.max
    // In a list, an item may be undefined.
    const copy = copyForKey(this.#context, key, [item])
    const [itemCopy] = copy.value as unknown[]
    const step: Step = { kind: 'append', item: itemCopy, max, expiry }
    return (await this.#runData(key, step, copy.bytes)) as number
  }

  /**
   * Changes the expiry of a key and keeps its value, in one atomic step. Resolves to whether the key
   * exists.
   *
   * @param options `ttl` or `expires`; `{ expires: null }`: it never expires
   * @throws StoreError `INVALID_VALUE` if the options have neither; `NOT_ATOMIC`, `INVALID_KEY`
   *
   * @example
   * const isAlive = await store.touch('session/ann', { ttl: 1_800_000 })
   */
  async touch(key: KeyOf<T>, options: ExpiryOptions): Promise<boolean> {
    this.#checkKey(key)
    const expiry = resolveExpiry(this.#context, options, EXPIRY_OPTIONS)
    if (!expiry) {
      throw new StoreError(
        'INVALID_VALUE',
        'touch() needs ttl or expires; received neither. Use { expires: null } for never.',
        { namespace: this.namespace },
      )
    }
    return (await this.#runData(key, { kind: 'touch', expiry })) as boolean
  }

  /**
   * Reads and writes several keys in one atomic step. Resolves to what the function returns. Either
   * all of its writes are stored or none, and no other client has changed any of the keys in between.
   *
   * @param keys the keys that the function may use
   * @param run takes a {@link StoreTransaction}; it may be async. It runs again if another client
   * writes first: keep it free of side effects. If it throws, nothing is stored and `transaction`
   * rejects with that error.
   * @param options the expiry of what the function sets without options of its own
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `CONFLICT`, `INVALID_KEY`,
   * `INVALID_VALUE`, `TOO_LARGE`
   *
   * @example
   * await store.transaction(['ann', 'bob'], (tx) => {
   *   tx.set('ann', (tx.get('ann') ?? 0) - 1)
   *   tx.set('bob', (tx.get('bob') ?? 0) + 1)
   * })
   */
  async transaction<K extends KeyOf<T>, R>(
    keys: Iterable<K>,
    run: (tx: StoreTransaction<T, K>) => R | Promise<R>,
    options?: ExpiryOptions,
  ): Promise<R> {
    this.#checkAtomic('transaction')
    checkArgument('transaction', run, FUNCTION, this.namespace)
    const names = this.#checkKeys('transaction', keys)
    if (names.length === 0) {
      throw new StoreError(
        'INVALID_KEY',
        'transaction() needs at least one key; received none. Name the keys to use.',
        { namespace: this.namespace },
      )
    }
    const expiry = resolveExpiry(this.#context, options, EXPIRY_OPTIONS)
    return this.#track(
      this.#context.queue.update(names, (entries) => {
        const draft = new TransactionDraft<T>(this.#context, names, { entries, expiry })
        return thenSync(run(draft), (result) => ({ changes: draft.end(), result }))
      }),
    )
  }

  /**
   * Replaces a value by the result of a function, in one atomic step. Resolves to the stored value.
   * Without options the key keeps its expiry; with them each call sets it.
   *
   * @param updater takes the current value and returns the next one, or `undefined` to remove the
   * key; it may be async. It runs again if another client writes first: keep it free of side
   * effects. It must not write the key that it updates: before the updater first awaits, such a write
   * rejects with `CONFLICT` at once; a later one makes every attempt conflict, until `update` rejects
   * with `CONFLICT`. If the updater throws, nothing is stored and `update` rejects with that error.
   * @param options an expiry to set, with `onInsert: true` only if the key is missing
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `CONFLICT` after four turns that
   * ended before the updater returned, or after 100 races lost to clients that take no turns;
   * `INVALID_KEY`, `INVALID_VALUE`, `TOO_LARGE`
   *
   * @example
   * const karma = await store.update('ann', (n = 0) => n + 1)
   * await store.update('session', (s = {}) => ({ ...s, seen: true }), { ttl: 1_800_000 })
   */
  update<K extends KeyOf<T>>(
    key: K,
    updater: Updater<T[K]>,
    options?: StepOptions,
  ): Promise<T[K] | undefined> {
    return this.#runUpdater(key, 'update', updater, options) as Promise<T[K] | undefined>
  }

  /**
   * Changes a value in place, in one atomic step. Resolves to the stored value. Without options the
   * key keeps its expiry; with them each call sets it.
   *
   * @param mutate takes a draft of the value and changes it; its result is ignored. It may be async
   * and may run more than once, like the function of {@link update}.
   * @param initial the draft for a missing key. Without it, `mutate` gets `undefined` for a missing
   * key and nothing is stored.
   * @param options as for {@link update}
   * @throws StoreError as {@link update}
   *
   * @example
   * await store.mutable('todo', (list) => list.push('milk'), [])
   */
  mutable<K extends KeyOf<T>>(
    key: K,
    mutate: (draft: T[K]) => unknown,
    initial: T[K],
    options?: StepOptions,
  ): Promise<T[K]>
  mutable<K extends KeyOf<T>>(
    key: K,
    mutate: (draft: T[K] | undefined) => unknown,
    initial?: undefined,
    options?: StepOptions,
  ): Promise<T[K] | undefined>
  mutable<K extends KeyOf<T>>(
    key: K,
    mutate: (draft: T[K]) => unknown,
    initial?: T[K],
    options?: StepOptions,
  ): Promise<T[K] | undefined> {
    return this.#runUpdater(key, 'mutable', mutate, options, initial) as Promise<T[K] | undefined>
  }

  /**
   * Reads a value; if the key is missing, stores `initial` and resolves to it. One atomic step.
   *
   * @param options an expiry to set, also if the key exists; with `onInsert: true` only if it is
   * missing
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `INVALID_KEY`, `INVALID_VALUE`,
   * `TOO_LARGE`
   *
   * @example
   * const settings = await store.getOrInsert('settings', { language: 'en' })
   */
  async getOrInsert<K extends KeyOf<T>>(
    key: K,
    initial: T[K],
    options?: StepOptions,
  ): Promise<T[K]> {
    this.#checkKey(key)
    return (await this.#runInsert('getOrInsert', key, initial, options, STEP_OPTIONS)) as T[K]
  }

  /**
   * Removes a key and resolves to its value, in one atomic step; to `undefined` if it was missing.
   *
   * @throws StoreError `NOT_ATOMIC` if `traits.atomic` is `none`; `INVALID_KEY`
   */
  async pop<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
    this.#checkKey(key)
    return (await this.#runData(key, { kind: 'pop' })) as T[K] | undefined
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
   * Removes every key of this namespace, or those with a prefix.
   *
   * @param options `prefix`: remove only keys that begin with it
   * @throws StoreError `STORE_NOT_OPEN`, `INVALID_VALUE` for other options, `INVALID_KEY` if `prefix`
   * cannot be a key, or an error of the backend
   *
   * @example
   * await store.clear({ prefix: 'cache/' })
   */
  async clear(options?: ClearOptions): Promise<void> {
    this.#checkOpen()
    const { prefix = '' } = checkOptions(options, CLEAR_OPTIONS, this.namespace)
    this.#checkKey(prefix, 'options.prefix')
    await this.#track(this.#context.queue.clear(prefix))
  }

  /**
   * Lists the keys that have not expired, each once, in ascending order. Backends differ in the order
   * of keys with characters beyond U+FFFF: IndexedDB and Memory sort them by UTF-16 code unit, before
   * U+E000; Durable Objects and Workers KV by byte of UTF-8, after U+FFFF.
   *
   * @param options `prefix`: only keys that begin with it; `after`: only keys that come after it;
   * `limit`: at most so many; `reverse`: in descending order
   * @throws StoreError `INVALID_KEY` if `prefix` or `after` cannot be a key; `INVALID_VALUE` for
   * other options; `STORE_NOT_OPEN`, also when the store closes during the listing; or an error of
   * the backend
   *
   * @example
   * for await (const key of store.keys({ prefix: 'user/', limit: 20 })) console.log(key)
   */
  keys(options?: KeysOptions): AsyncGenerator<KeyOf<T>, void, undefined> {
    const { queue } = this.#context
    return this.#list(
      options,
      (checked) => queue.storage.liveKeys(this.#context.now(), checked),
      (key) => checkName(key) as KeyOf<T>,
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
    return this.#listLive(options, (key, live) => [key, toRecord<T[KeyOf<T>]>(this.#context, live)])
  }

  /** Lists the keys with their values, for `for await`: {@link entries} without options. */
  [Symbol.asyncIterator](): AsyncGenerator<StoreEntry<T>, void, undefined> {
    return this.entries()
  }

  /**
   * Watches the namespace: returns an iterator over all changes from now on, by this store or any
   * other client. It ends when the store closes, when its `return()` is called or when the signal
   * aborts. A reader that applies the changes in order to a list of the keys ends up with the right
   * list. Expiry is not reported.
   *
   * At most 1,000 changed keys wait for the reader, each with its last change. A reader that falls
   * further behind gets a `clear`, then a `set` for each key.
   *
   * @param options `prefix`: report only keys that begin with it; `signal`: end the watch when it
   * aborts; `initial: true`: begin with a `set` for each key that exists; `values: true`: add its
   * value, as it is at the time of delivery, and its expiry to each `set`
   * @throws StoreError `UNAVAILABLE` if `traits.watch` is false; `STORE_NOT_OPEN`; `INVALID_KEY` if
   * `prefix` cannot be a key; `INVALID_VALUE` for other options; or an error of the backend
   *
   * @example
   * for await (const { kind, key, value } of store.watch({ initial: true, values: true })) {
   *   if (kind === 'set') view.set(key, value)
   *   else if (kind === 'remove') view.delete(key)
   *   else view.clear()
   * }
   */
  watch(options: WatchOptions & { readonly values: true }): StoreWatch<StoreValueChange<T>>
  watch(options?: WatchOptions): StoreWatch
  watch(options?: WatchOptions): StoreWatch {
    this.#checkOpen()
    const checked = checkOptions(options, WATCH_OPTIONS, this.namespace)
    const { prefix = '' } = checked
    this.#checkKey(prefix, 'options.prefix')
    const { storage } = this.#context.queue
    if (!storage.watch || !storage.createWatch) {
      throw new StoreError(
        'UNAVAILABLE',
        'watch() needs traits.watch and createWatch; read the keys again.',
        { namespace: this.namespace },
      )
    }
    const now = (): number => this.#context.now()
    const watch = storage.createWatch(this as unknown as Store, checked, now)
    this.#guard(() =>
      watch.start((listener) => {
        const stop = storage.watch?.(listener)
        this.#watches.add(watch)
        return () => {
          this.#watches.delete(watch)
          stop?.()
        }
      }),
    )
    return watch
  }

  /**
   * Closes the store: ends its watches, waits for its operations and releases the namespace, which
   * closes with the last of its stores. It waits for at most `operationTimeout`, and the last store as
   * long again for the backend. A function of `update`, `mutable` or `transaction` that has not settled
   * then, such as one that awaits `close()`, is given up with the last store: its call rejects with
   * `TIMEOUT`, and nothing is written.
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
    // An updater may call `close` before its operation is counted.
    await Promise.resolve()
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
      if (this.#pendingOperations === 0) resolve()
    })
    // A function of the caller may never settle.
    const all = Promise.all([...watches, idle])
    await limitTime(all, this.#context.operationTimeout).catch(noop)
    await this.#context.release()
  }

  #read(key: string): MaybePromise<Entry | undefined> {
    this.#checkKey(key)
    const entry = this.#track(this.#context.queue.read(key))
    return entry instanceof Promise
      ? entry.then((read) => ifLive(this.#context, key, read))
      : ifLive(this.#context, key, entry)
  }

  /**
   * Runs a read-modify-write with a function of the caller: an updater, or one that changes a draft.
   *
   * @param initial what the function takes a copy of if the key is missing
   */
  #runUpdater(
    key: string,
    method: 'update' | 'mutable',
    run: (value: never) => unknown,
    options: StepOptions | undefined,
    initial?: unknown,
  ): Promise<unknown> {
    const context = this.#context
    try {
      this.#checkKey(key)
      const initialCopy =
        initial === undefined ? undefined : copyForKey(context, key, initial).value
      checkArgument(method, run, FUNCTION, context.namespace)
      const expiry = resolveExpiry(context, options, STEP_OPTIONS)
      this.#checkAtomic(method)
      const update = ([entry]: Entries): MaybePromise<Decision> => {
        const live = ifLive(context, key, entry)
        const value = live ? live.value : recopy(initialCopy)
        return thenSync(run(value as never), (result): Decision => {
          const next = method === 'update' ? result : value
          if (next === undefined)
            return { changes: live && [{ key, remove: true }], result: undefined }
          const expires = nextExpires(expiry, live)
          const change = createSetChange(context, key, next, expires, stampOf(live))
          return { changes: [change], result: change.entry.value, isStored: true }
        })
      }
      const updated = context.queue.update([key], update)
      if (!(updated instanceof Promise)) return Promise.resolve(updated)
      // An async function would take another promise, and the same microtasks.
      this.#pendingOperations++
      return updated.then(this.#onResult, this.#onError)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Runs a step that stores a value if the key is missing. */
  #runInsert(
    kind: 'insert' | 'getOrInsert',
    key: string,
    value: unknown,
    options: WriteOptions | undefined,
    types: OptionTypes,
  ): Promise<unknown> {
    const expiry = resolveExpiry(this.#context, options, types)
    const copy = copyForKey(this.#context, key, checkValue(this.#context, key, value))
    return this.#runData(key, { kind, value: copy.value, expiry }, copy.bytes, options?.version)
  }

  /**
   * Runs a step that is described as data: in the backend if it can, otherwise as an update.
   *
   * @param key a checked key
   * @param bytes the size of the key and the step's value
   * @param stamp the version of the step's value
   */
  async #runData(key: string, step: Step, bytes = key.length, stamp?: number): Promise<unknown> {
    this.#checkAtomic(step.kind)
    const context = this.#context
    const update = ([entry]: Entries): Decision => {
      const live = ifLive(context, key, entry)
      const { change, result } = runStep(step, live)
      if (!change) return { result }
      if (change === 'remove') return { changes: [{ key, remove: true }], result }
      const { value, expires } = change
      // A missing key gets the value of the step, which has been checked and copied.
      const set =
        !live && 'value' in step
          ? { key, bytes, entry: createEntry(value, context.nextVersion(stamp), expires) }
          : createSetChange(context, key, value, expires, stampOf(live))
      // The schema may have changed the value.
      return { changes: [set], result: resultOfStored(step, set.entry.value), isStored: true }
    }
    // A schema checks and converts values, which a backend cannot.
    const data = context.schema
      ? undefined
      : { key, step, bytes, version: context.nextVersion(stamp) }
    try {
      return await this.#track(context.queue.update([key], update, data))
    } catch (error) {
      throw toStoreError(error, { namespace: this.namespace, key })
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
        const live = ifLive(this.#context, checkName(key), checkEntry(key, entry))
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
    list: (options: KeysOptions) => Listing<A>,
    toItem: (listed: A) => B | undefined,
  ): AsyncGenerator<B, void, undefined> {
    this.#checkOpen()
    const {
      prefix = '',
      after,
      limit,
      reverse,
    } = checkOptions(options, KEYS_OPTIONS, this.namespace)
    this.#checkKey(prefix, 'options.prefix')
    if (after !== undefined) this.#checkKey(after, 'options.after')
    const pages = this.#context.queue.list(() => list({ prefix, after, limit, reverse }))
    let count = 0
    try {
      for (;;) {
        this.#checkOpen()
        const page = await this.#track(pages.next())
        if (page.done) return
        for (const listed of page.value) {
          this.#checkOpen()
          const item = this.#guard(() => toItem(listed))
          if (item === undefined) continue
          yield item
          if (++count === limit) return
        }
      }
    } finally {
      await pages.return(undefined)
    }
  }

  /** Converts what `call` throws, which writes nothing. */
  #guard<R>(call: () => R): R {
    try {
      return call()
    } catch (error) {
      throw toStoreError(error, { namespace: this.namespace, outcome: 'not-applied' })
    }
  }

  /** Makes `close` wait until an operation has settled. */
  #track<R>(operation: MaybePromise<R>): MaybePromise<R> {
    if (!(operation instanceof Promise)) return operation
    this.#pendingOperations++
    operation.then(this.#onSettled, this.#onSettled)
    return operation
  }

  #checkKeys(method: string, keys: unknown): readonly string[] {
    this.#checkOpen()
    const names = toKeys(method, keys, this.namespace)
    for (const key of names) this.#checkKey(key)
    return names as readonly string[]
  }

  #checkKey(key: unknown, name?: string): void {
    this.#checkOpen()
    checkKey(key, this.#context.traits.maxKeyBytes, name, this.namespace)
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
