import type {
  AppendOptions,
  ClearOptions,
  ExpiryOptions,
  StepOptions,
  WriteOptions,
} from './arguments.ts'
import { asyncDispose, noop } from './async.ts'
import { StoreError } from './errors.ts'
import type { StorageRuntime } from './runtime.ts'
import type { OpenOptions } from './schema.ts'
import type { KeysOptions } from './storage.ts'
import { Store } from './store.ts'
import type {
  ItemOf,
  KeyOf,
  ListKeyOf,
  NumberKeyOf,
  StoreEntry,
  StoreRecord,
  Updater,
} from './store-types.ts'
import type { StoreTransaction } from './transaction.ts'
import type { StoreValueChange, StoreWatch, WatchOptions } from './watch.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- TypeScript requires any[] of the base of a mixin
type Constructor<Instance = object> = abstract new (...args: any[]) => Instance

/**
 * The members that {@link StoreMixin} adds to a class: those of {@link Store}, which work while the
 * store of the object is open, and methods that open and close it. `traits` is left out, a name that
 * a plugin may want for itself.
 */
export interface StoreMixed<T extends object> extends Omit<
  Store<T>,
  'close' | 'isOpen' | 'namespace' | 'traits'
> {
  /** The namespace of the last `openStorage` that succeeded; `undefined` before. */
  readonly namespace: string | undefined
  /** Tests whether the store of this object is open. */
  isOpenStorage(): boolean
  /**
   * Opens a store of the namespace for this object. Call it again only after `closeStorage`, which
   * need not have settled. If `closeStorage` is called while the store is opening, this resolves, and
   * the store is closed.
   *
   * @param options as for `StorageRuntime.open`
   * @throws StoreError `STORE_ALREADY_OPEN`, or an error of `StorageRuntime.open`
   */
  openStorage(runtime: StorageRuntime, namespace: string, options?: OpenOptions<T>): Promise<void>
  /**
   * Closes the store of this object, as `Store.close` does, also while it is opening.
   *
   * @throws StoreError `STORE_NOT_OPEN`, or an error of the backend
   */
  closeStorage(): Promise<void>
}

/** A class with the members of {@link StoreMixed}. */
export type StoreMixinClass<T extends object, Base extends Constructor> = Base &
  Constructor<StoreMixed<T>>

/**
 * Adds a store to a class, as Errbot's `StoreMixin` does: the plugin itself is the dictionary. The
 * first call takes the type of the store, the second the base class.
 *
 * @example
 * class Karma extends StoreMixin<Record<string, number>>()(BotPlugin) {}
 *
 * const karma = new Karma()
 * await karma.openStorage(runtime, 'Karma')
 * await karma.update('ann', (n = 0) => n + 1)
 */
export function StoreMixin<T extends object = Record<string, unknown>>(): <
  Base extends Constructor,
>(
  base: Base,
) => StoreMixinClass<T, Base> {
  return <Base extends Constructor>(base: Base) => {
    abstract class Mixed extends base implements StoreMixed<T> {
      #store: Store<T> | undefined
      #opening: Promise<Store<T>> | undefined
      #namespace: string | undefined

      get namespace(): string | undefined {
        return this.#namespace
      }

      isOpenStorage(): boolean {
        return this.#store?.isOpen ?? false
      }

      async openStorage(
        runtime: StorageRuntime,
        namespace: string,
        options: OpenOptions<T> = {},
      ): Promise<void> {
        if (this.#opening !== undefined || this.isOpenStorage()) {
          throw new StoreError(
            'STORE_ALREADY_OPEN',
            'The store of this object is open or opening; call closeStorage() first.',
            { namespace },
          )
        }
        const opening = runtime.open<T>(namespace, options)
        this.#opening = opening
        const isWanted = (): boolean => this.#opening === opening
        try {
          const store = await opening
          if (!isWanted()) return
          this.#store = store
          this.#namespace = namespace
        } finally {
          if (isWanted()) this.#opening = undefined
        }
      }

      async closeStorage(): Promise<void> {
        const opening = this.#opening
        this.#opening = undefined
        // If it cannot be opened, openStorage() rejects.
        const store = opening === undefined ? this.#requireStore() : await opening.catch(noop)
        await store?.close()
      }

      async get<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
        return this.#requireStore().get(key)
      }

      async record<K extends KeyOf<T>>(key: K): Promise<StoreRecord<T[K]> | undefined> {
        return this.#requireStore().record(key)
      }

      async has(key: KeyOf<T>): Promise<boolean> {
        return this.#requireStore().has(key)
      }

      async getMany<K extends KeyOf<T>>(keys: Iterable<K>): Promise<Map<K, T[K]>> {
        return this.#requireStore().getMany(keys)
      }

      async set<K extends KeyOf<T>>(key: K, value: T[K], options?: WriteOptions): Promise<void> {
        return this.#requireStore().set(key, value, options)
      }

      async deleteMany(keys: Iterable<KeyOf<T>>): Promise<void> {
        return this.#requireStore().deleteMany(keys)
      }

      async insert<K extends KeyOf<T>>(
        key: K,
        value: T[K],
        options?: WriteOptions,
      ): Promise<boolean> {
        return this.#requireStore().insert(key, value, options)
      }

      async increment(key: NumberKeyOf<T>, by?: number, options?: StepOptions): Promise<number> {
        return this.#requireStore().increment(key, by, options)
      }

      async append<K extends ListKeyOf<T>>(
        key: K,
        item: ItemOf<T[K]>,
        options?: AppendOptions,
      ): Promise<number> {
        return this.#requireStore().append(key, item, options)
      }

      async touch(key: KeyOf<T>, options: ExpiryOptions): Promise<boolean> {
        return this.#requireStore().touch(key, options)
      }

      async transaction<K extends KeyOf<T>, R>(
        keys: Iterable<K>,
        run: (tx: StoreTransaction<T, K>) => R | Promise<R>,
        options?: ExpiryOptions,
      ): Promise<R> {
        return this.#requireStore().transaction(keys, run, options)
      }

      async delete(key: KeyOf<T>): Promise<void> {
        return this.#requireStore().delete(key)
      }

      async setMany(
        entries: Parameters<Store<T>['setMany']>[0],
        options?: WriteOptions,
      ): Promise<void> {
        return this.#requireStore().setMany(entries, options)
      }

      async update<K extends KeyOf<T>>(
        key: K,
        updater: Updater<T[K]>,
        options?: StepOptions,
      ): Promise<T[K] | undefined> {
        return this.#requireStore().update(key, updater, options)
      }

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
      async mutable<K extends KeyOf<T>>(
        key: K,
        mutate: (draft: T[K]) => unknown,
        initial?: T[K],
        options?: StepOptions,
      ): Promise<T[K] | undefined> {
        return this.#requireStore().mutable(key, mutate, initial as T[K], options)
      }

      async getOrInsert<K extends KeyOf<T>>(
        key: K,
        initial: T[K],
        options?: StepOptions,
      ): Promise<T[K]> {
        return this.#requireStore().getOrInsert(key, initial, options)
      }

      async pop<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
        return this.#requireStore().pop(key)
      }

      async size(): Promise<number> {
        return this.#requireStore().size()
      }

      async clear(options?: ClearOptions): Promise<void> {
        return this.#requireStore().clear(options)
      }

      async *keys(options?: KeysOptions): AsyncGenerator<KeyOf<T>, void, undefined> {
        yield* this.#requireStore().keys(options)
      }

      async *values(options?: KeysOptions): AsyncGenerator<T[KeyOf<T>], void, undefined> {
        yield* this.#requireStore().values(options)
      }

      async *entries(options?: KeysOptions): AsyncGenerator<StoreEntry<T>, void, undefined> {
        yield* this.#requireStore().entries(options)
      }

      async *records(
        options?: KeysOptions,
      ): AsyncGenerator<[key: KeyOf<T>, record: StoreRecord<T[KeyOf<T>]>], void, undefined> {
        yield* this.#requireStore().records(options)
      }

      [Symbol.asyncIterator](): AsyncGenerator<StoreEntry<T>, void, undefined> {
        return this.entries()
      }

      watch(options: WatchOptions & { readonly values: true }): StoreWatch<StoreValueChange<T>>
      watch(options?: WatchOptions): StoreWatch
      watch(options?: WatchOptions): StoreWatch {
        return this.#requireStore().watch(options)
      }

      async [Symbol.asyncDispose](): Promise<void> {
        if (this.#opening !== undefined) await this.closeStorage()
        else await this.#store?.[asyncDispose]()
      }

      #requireStore(): Store<T> {
        if (this.#store !== undefined) return this.#store
        throw new StoreError(
          'STORE_NOT_OPEN',
          'The store of this object is not open; call openStorage() first.',
        )
      }
    }
    return Mixed as unknown as StoreMixinClass<T, Base>
  }
}
