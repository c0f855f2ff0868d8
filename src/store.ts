import { copyFor, expiryOf, ifLive, changeFor, setChange, type WriteContext } from './changes.ts'
import { noop } from './async.ts'
import { toStoreError, StoreError } from './errors.ts'
import { thenSync, checkFunction, toEntries, type SetOptions } from './arguments.ts'
import { checkKey } from './key.ts'
import type { Decision } from './queue/operation.ts'
import type { OperationQueue } from './queue/operation-queue.ts'
import type { Entry, KeysOptions, SetChange, Traits } from './storage.ts'
import { recopy } from './value/copy-value.ts'
import { type StoreWatch, Watch } from './watch.ts'

/** The keys of a store's shape. */
export type KeyOf<T extends object> = keyof T & string
/** A key with its value. */
export type Pair<T extends object> = [KeyOf<T>, T[KeyOf<T>]]

/** Gets what is stored and says what to store; `undefined` removes the key. */
export type Updater<V> = (current: V | undefined) => V | undefined | Promise<V | undefined>

/** A value with when it expires. */
export interface StoreRecord<V> {
  readonly value: V
  /** In milliseconds since 1970; absent: never. */
  readonly expires?: number
}

/** What a store stands on: its namespace, as the runtime opened it. */
export interface StoreContext extends WriteContext {
  readonly queue: OperationQueue
  readonly allowLostUpdates: boolean
  /** Lets go of the namespace. Called once. */
  release(): Promise<void>
}

/**
 * A persistent dictionary: what a bot or one of its plugins holds. It speaks `Map`'s words,
 * asynchronously. `T` names the values by key; `Record<string, V>` is a plain dictionary.
 *
 * Keys are strings of any content. Values are copied when they are handed in and handed out.
 * Every method rejects with a `StoreError` (`watch` throws it): `STORE_NOT_OPEN` during and after
 * `close()`, and `INVALID_KEY`, `INVALID_VALUE` and `TOO_LARGE` before any I/O.
 */
export class Store<T extends object = Record<string, unknown>> implements AsyncIterable<Pair<T>> {
  readonly #on: StoreContext
  /** How many operations have not settled. */
  #busy = 0
  #idle: () => void = noop
  readonly #ended = (): void => {
    this.#busy--
    if (this.#busy === 0) this.#idle()
  }
  #closing: Promise<void> | undefined
  readonly #watches = new Set<Watch>()

  /** Stores are made by `StorageRuntime.open`. */
  constructor(on: StoreContext) {
    this.#on = on
  }

  get namespace(): string {
    return this.#on.namespace
  }

  /** What the storage beneath promises, such as the largest value it takes. */
  get traits(): Traits {
    return this.#on.traits
  }

  get isOpen(): boolean {
    return this.#closing === undefined
  }

  /** The value under a key, a private copy; `undefined` if there is none. */
  async get<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
    return (await this.#read(key))?.value as T[K] | undefined
  }

  /** The same with when it expires. */
  async record<K extends KeyOf<T>>(key: K): Promise<StoreRecord<T[K]> | undefined> {
    const entry = await this.#read(key)
    return entry && recordOf<T[K]>(entry)
  }

  async has(key: KeyOf<T>): Promise<boolean> {
    return (await this.#read(key)) !== undefined
  }

  /** Stores a value. What was under the key is replaced, its expiry too. */
  async set<K extends KeyOf<T>>(key: K, value: T[K], options?: SetOptions): Promise<void> {
    this.#check(key)
    const change = setChange(this.#on, key, value, expiryOf(this.#on, options))
    await this.#accept(this.#on.queue.write([change]))
  }

  /** Removes a key. There may be none. */
  async delete(key: KeyOf<T>): Promise<void> {
    this.#check(key)
    await this.#accept(this.#on.queue.write([{ key, remove: true }]))
  }

  /**
   * Stores several values, all or none; a pair may have options of its own. Where the storage has
   * `atomic: 'none'` it rejects with `NOT_ATOMIC`; under `allowLostUpdates` it writes them there
   * one after another instead.
   */
  async setMany(
    entries: Partial<T> | Iterable<readonly [KeyOf<T>, T[KeyOf<T>], SetOptions?]>,
    options?: SetOptions,
  ): Promise<void> {
    this.#checkAtomic('setMany')
    const expires = expiryOf(this.#on, options)
    const group = new Map<string, SetChange>()
    for (const [key, value, own] of toEntries(entries)) {
      this.#check(key)
      const until = own === undefined ? expires : expiryOf(this.#on, own)
      group.set(key, setChange(this.#on, key, value, until))
    }
    if (group.size > 0) await this.#accept(this.#on.queue.write([...group.values()]))
  }

  /**
   * Stores what `updater` makes of the current value, as one atomic step, and resolves to it.
   * `updater` may be async. It runs again when another writer came first, so let it have no other
   * effect. What it throws comes out, and nothing is stored. An expiry is kept.
   *
   * @throws StoreError `NOT_ATOMIC`, or `CONFLICT` after 100 lost races
   */
  async update<K extends KeyOf<T>>(key: K, updater: Updater<T[K]>): Promise<T[K] | undefined> {
    checkFunction('update', updater)
    const stored = this.#step(key, 'update', (live, read) =>
      thenSync(updater(live?.value as T[K] | undefined), (next) =>
        this.#replace(key, live, read, next),
      ),
    )
    return (await stored) as T[K] | undefined
  }

  /**
   * Hands `change` a private draft of the value to change in place, and stores the draft, as one
   * atomic step; resolves to what is stored. What `change` returns is ignored. A missing key
   * starts from a copy of `initial`; without one `change` gets `undefined` and nothing is stored.
   * The rest is as for {@link update}.
   */
  mutable<K extends KeyOf<T>>(
    key: K,
    change: (draft: T[K]) => unknown,
    initial: T[K],
  ): Promise<T[K]>
  mutable<K extends KeyOf<T>>(
    key: K,
    change: (draft: T[K] | undefined) => unknown,
  ): Promise<T[K] | undefined>
  async mutable<K extends KeyOf<T>>(
    key: K,
    change: (draft: T[K]) => unknown,
    initial?: T[K],
  ): Promise<T[K] | undefined> {
    this.#check(key)
    checkFunction('mutable', change)
    const first = initial === undefined ? undefined : copyFor(this.#on, key, initial).value
    const stored = this.#step(key, 'mutable', (live, read) => {
      const draft = live === undefined ? recopy(first) : live.value
      return thenSync(change(draft as T[K]), () => this.#replace(key, live, read, draft))
    })
    return (await stored) as T[K] | undefined
  }

  /** The value under a key; if there is none, `initial` is stored and returned. One atomic step. */
  async getOrInsert<K extends KeyOf<T>>(key: K, initial: T[K]): Promise<T[K]> {
    this.#check(key)
    const first = copyFor(this.#on, key, initial).value
    const stored = this.#step(key, 'getOrInsert', (live, read) =>
      live === undefined ? this.#replace(key, live, read, first) : { result: live.value },
    )
    return (await stored) as T[K]
  }

  /** Removes a key and resolves to what was under it. One atomic step. */
  async pop<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
    const popped = this.#step(key, 'pop', (live, read) => ({
      changes: read && [{ key, remove: true }],
      result: live?.value,
    }))
    return (await popped) as T[K] | undefined
  }

  /** How many keys there are. */
  async size(): Promise<number> {
    this.#checkOpen()
    return this.#accept(this.#on.queue.liveLen(this.#on.now()))
  }

  /** Removes every key of this namespace, and none of another. */
  async clear(): Promise<void> {
    this.#checkOpen()
    await this.#accept(this.#on.queue.clear())
  }

  /** The keys, each once, in an order that differs from backend to backend. */
  keys(options?: KeysOptions): AsyncGenerator<KeyOf<T>, void, undefined> {
    const { queue } = this.#on
    return this.#list(
      options,
      (prefix) => queue.storage.liveKeys(this.#on.now(), prefix),
      (key) => key as KeyOf<T>,
    )
  }

  values(options?: KeysOptions): AsyncGenerator<T[KeyOf<T>], void, undefined> {
    return this.#listLive(options, (_, { value }) => value as T[KeyOf<T>])
  }

  /** Keys with their values. One that is written meanwhile shows its older or its newer value. */
  entries(options?: KeysOptions): AsyncGenerator<Pair<T>, void, undefined> {
    return this.#listLive(options, (key, { value }) => [key, value as T[KeyOf<T>]])
  }

  /** Keys with their values and when these expire. The rest is as for {@link entries}. */
  records(
    options?: KeysOptions,
  ): AsyncGenerator<[KeyOf<T>, StoreRecord<T[KeyOf<T>]>], void, undefined> {
    return this.#listLive(options, (key, live) => [key, recordOf<T[KeyOf<T>]>(live)])
  }

  [Symbol.asyncIterator](): AsyncGenerator<Pair<T>, void, undefined> {
    return this.entries()
  }

  /**
   * The changes made from now on, by this store and by all others, in other tabs too, until this
   * store closes or `return()` is called. They can be applied in order to a view of the keys.
   *
   * At most 1,000 changed keys wait for the reader, each with its last change. One who falls
   * further behind gets `clear`, then a `set` for each key there is. What expires is not told.
   *
   * @throws StoreError `UNAVAILABLE` where the backend cannot tell of changes (`traits.watch`)
   */
  watch(): StoreWatch {
    this.#checkOpen()
    const watch = new Watch(() => this.keys())
    const stop = this.#on.queue.storage.watch?.((change) => watch.push(change))
    if (stop === undefined) {
      throw new StoreError('UNAVAILABLE', 'This storage cannot tell of changes; read it anew.', {
        namespace: this.namespace,
      })
    }
    this.#watches.add(watch)
    watch.onEnd = () => {
      stop()
      this.#watches.delete(watch)
    }
    return watch
  }

  /**
   * Waits for what was accepted, makes it durable and lets go of the namespace. A function given to
   * `update` or `mutable` must not wait for it, since it waits for them.
   */
  async close(): Promise<void> {
    this.#checkOpen()
    this.#closing = this.#close()
    await this.#closing
  }

  /** Closes the store if it is open, and waits if it is being closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#closing?.catch(noop) ?? this.close())
  }

  async #close(): Promise<void> {
    const watches = [...this.#watches].map((watch) => watch.end())
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve
      if (this.#busy === 0) resolve()
    })
    await Promise.all([...watches, idle])
    await this.#on.release()
  }

  async #read(key: string): Promise<Entry | undefined> {
    this.#check(key)
    return ifLive(this.#on, await this.#accept(this.#on.queue.read(key)))
  }

  /** `plan` gets the entry if it is alive as the step begins, and as it was read. */
  async #step<R>(
    key: string,
    method: string,
    plan: (live: Entry | undefined, read: Entry | undefined) => Decision<R> | Promise<Decision<R>>,
  ): Promise<R> {
    this.#check(key)
    this.#checkAtomic(method)
    return this.#accept(
      this.#on.queue.update([key], ([read]) => plan(ifLive(this.#on, read), read)),
    )
  }

  #replace(key: string, live: Entry | undefined, read: Entry | undefined, next: unknown): Decision {
    const change = changeFor(this.#on, key, live, read, next)
    return {
      changes: change && [change],
      result: change && 'entry' in change ? recopy(change.entry.value) : undefined,
    }
  }

  #listLive<B>(
    options: KeysOptions | undefined,
    show: (key: KeyOf<T>, live: Entry) => B,
  ): AsyncGenerator<B, void, undefined> {
    return this.#list(
      options,
      (prefix) => this.#on.queue.storage.entries(prefix),
      ([key, entry]) => {
        const live = ifLive(this.#on, entry)
        return live && show(key as KeyOf<T>, live)
      },
    )
  }

  /** Shows what the storage lists while the store is open; `close` waits for what it is reading. */
  async *#list<A, B>(
    options: KeysOptions | undefined,
    list: (prefix: KeysOptions) => AsyncIterable<A>,
    show: (each: A) => B | undefined,
  ): AsyncGenerator<B, void, undefined> {
    const prefix = this.#prefix(options)
    const source = this.#on.queue.list(() => list(prefix))
    try {
      for (;;) {
        this.#checkOpen()
        const next = await this.#accept(source.next())
        if (next.done) return
        this.#checkOpen()
        const shown = show(next.value)
        if (shown !== undefined) yield shown
      }
    } finally {
      await source.return(undefined)
    }
  }

  /** An operation was accepted; until it settles, `close` waits for it. */
  #accept<R>(settles: Promise<R>): Promise<R> {
    this.#busy++
    settles.then(this.#ended, this.#ended)
    return settles
  }

  #prefix(options: KeysOptions | undefined): KeysOptions {
    const { prefix = '' } = options ?? {}
    this.#check(prefix)
    return { prefix }
  }

  #check(key: unknown): void {
    this.#checkOpen()
    try {
      checkKey(key, this.#on.traits.maxKeyBytes)
    } catch (error) {
      throw toStoreError(error, { namespace: this.namespace })
    }
  }

  #checkOpen(): void {
    if (this.isOpen) return
    throw new StoreError('STORE_NOT_OPEN', 'The store was closed.', { namespace: this.namespace })
  }

  #checkAtomic(method: string): void {
    this.#checkOpen()
    if (this.#on.traits.atomic !== 'none' || this.#on.allowLostUpdates) return
    throw new StoreError(
      'NOT_ATOMIC',
      `${method}() needs a backend that can make a write depend on what was read, and this one cannot. Use another, or start the runtime with { allowLostUpdates: true } and accept that of two writes at once one may be lost.`,
      { namespace: this.namespace },
    )
  }
}

function recordOf<V>({ value, expires }: Entry): StoreRecord<V> {
  return expires === undefined ? { value: value as V } : { value: value as V, expires }
}
