import type { SetOptions } from './arguments.ts'
import { asyncDispose } from './dispose.ts'
import { StoreError } from './errors.ts'
import type { StorageRuntime } from './runtime.ts'
import type { KeysOptions } from './storage.ts'
import type { StoreWatch } from './watch.ts'
import { type KeyOf, type Pair, Store, type StoreRecord, type Updater } from './store.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- TypeScript asks a mixin's base for any[]
type Constructor<Instance = object> = abstract new (...args: any[]) => Instance

/**
 * A store as a class has it by inheritance: all of {@link Store}, opened and closed by itself.
 * `traits` is left out, since a bot's plugin may want that everyday word for itself; a store from
 * `runtime.open` has them.
 */
export interface StoreMixed<T extends object> extends Omit<
  Store<T>,
  'close' | 'isOpen' | 'namespace' | 'traits'
> {
  /** The namespace that was opened last; `undefined` before the first. */
  readonly namespace: string | undefined
  isOpenStorage(): boolean
  /** @throws StoreError `STORE_ALREADY_OPEN`, or what `runtime.open` throws */
  openStorage(runtime: StorageRuntime, namespace: string): Promise<void>
  /** @throws StoreError `STORE_NOT_OPEN` */
  closeStorage(): Promise<void>
}

export type StoreMixinClass<T extends object, Base extends Constructor> = Base &
  Constructor<StoreMixed<T>>

/**
 * Gives a class a store, as Errbot's `StoreMixin` does: the plugin *is* its dictionary. The empty
 * call is where the shape of the store is named.
 *
 * @example
 * class Karma extends StoreMixin<Record<string, number>>()(BotPlugin) {}
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
      #opening = false
      #namespace: string | undefined

      get namespace(): string | undefined {
        return this.#namespace
      }

      isOpenStorage(): boolean {
        return this.#store?.isOpen ?? false
      }

      async openStorage(runtime: StorageRuntime, namespace: string): Promise<void> {
        if (this.#opening || this.isOpenStorage()) {
          throw new StoreError('STORE_ALREADY_OPEN', 'The storage is open already.', { namespace })
        }
        this.#opening = true
        try {
          this.#store = await runtime.open<T>(namespace)
          this.#namespace = namespace
        } finally {
          this.#opening = false
        }
      }

      async closeStorage(): Promise<void> {
        await this.#open().close()
      }

      async get<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
        return this.#open().get(key)
      }

      async record<K extends KeyOf<T>>(key: K): Promise<StoreRecord<T[K]> | undefined> {
        return this.#open().record(key)
      }

      async has(key: KeyOf<T>): Promise<boolean> {
        return this.#open().has(key)
      }

      async set<K extends KeyOf<T>>(key: K, value: T[K], options?: SetOptions): Promise<void> {
        return this.#open().set(key, value, options)
      }

      async delete(key: KeyOf<T>): Promise<void> {
        return this.#open().delete(key)
      }

      async setMany(
        entries: Parameters<Store<T>['setMany']>[0],
        options?: SetOptions,
      ): Promise<void> {
        return this.#open().setMany(entries, options)
      }

      async update<K extends KeyOf<T>>(key: K, updater: Updater<T[K]>): Promise<T[K] | undefined> {
        return this.#open().update(key, updater)
      }

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
        return this.#open().mutable(key, change, initial as T[K])
      }

      async getOrInsert<K extends KeyOf<T>>(key: K, initial: T[K]): Promise<T[K]> {
        return this.#open().getOrInsert(key, initial)
      }

      async pop<K extends KeyOf<T>>(key: K): Promise<T[K] | undefined> {
        return this.#open().pop(key)
      }

      async size(): Promise<number> {
        return this.#open().size()
      }

      async clear(): Promise<void> {
        return this.#open().clear()
      }

      async *keys(options?: KeysOptions): AsyncGenerator<KeyOf<T>, void, undefined> {
        yield* this.#open().keys(options)
      }

      async *values(options?: KeysOptions): AsyncGenerator<T[KeyOf<T>], void, undefined> {
        yield* this.#open().values(options)
      }

      async *entries(options?: KeysOptions): AsyncGenerator<Pair<T>, void, undefined> {
        yield* this.#open().entries(options)
      }

      async *records(
        options?: KeysOptions,
      ): AsyncGenerator<[KeyOf<T>, StoreRecord<T[KeyOf<T>]>], void, undefined> {
        yield* this.#open().records(options)
      }

      [Symbol.asyncIterator](): AsyncGenerator<Pair<T>, void, undefined> {
        return this.entries()
      }

      watch(): StoreWatch {
        return this.#open().watch()
      }

      async [Symbol.asyncDispose](): Promise<void> {
        await this.#store?.[asyncDispose]()
      }

      #open(): Store<T> {
        if (this.#store !== undefined) return this.#store
        throw new StoreError('STORE_NOT_OPEN', 'The storage has not been opened yet.')
      }
    }
    return Mixed as unknown as StoreMixinClass<T, Base>
  }
}
