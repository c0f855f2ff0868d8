import type { BotConfig } from './config.ts'
import { noop } from './async.ts'
import { asyncDispose } from './dispose.ts'
import { toStoreError, StoreError } from './errors.ts'
import { checkNamespace } from './key.ts'
import { OperationQueue } from './queue/operation-queue.ts'
import { resolvePlugin, type StorageRegistry } from './registry.ts'
import type { StorageEventType, StoragePluginBase } from './storage.ts'
import { Store } from './store.ts'

/** What happened to a namespace beside any call, such as that its data is gone. */
export interface RuntimeEvent {
  readonly type: StorageEventType
  readonly namespace: string
  /** Half a sentence for people. */
  readonly reason: string
}

export interface RuntimeOptions {
  /** The clock that expiries are held against, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
  /**
   * Lets `update`, `mutable`, `getOrInsert`, `pop` and `setMany` work on a backend that cannot
   * make them atomic. Of two writes at once one may then be lost. Default `false`.
   */
  readonly allowLostUpdates?: boolean
  /**
   * Gets what happens beside any call: `data-lost`, data is gone that had been stored; `blocked`,
   * opening waits for another tab; `reopened`, a lost connection was made anew.
   */
  readonly onEvent?: (event: RuntimeEvent) => void
}

// A namespace that is open, being opened or being closed; however many stores hold it.
interface Space {
  readonly opened: Promise<OperationQueue>
  readonly stores: Set<AsyncDisposable>
  holders: number
  closing?: Promise<void>
}

/**
 * The chosen plugin and the lifecycle of its open namespaces. A storage is opened once, however
 * many stores hold its namespace and however concurrently they were asked for, and closed with
 * the last of them.
 */
export class StorageRuntime {
  readonly #plugin: StoragePluginBase
  readonly #now: () => number
  readonly #allowLostUpdates: boolean
  readonly #onEvent: (event: RuntimeEvent) => void
  readonly #spaces = new Map<string, Space>()
  #closing: Promise<void> | undefined
  #writer: string | undefined
  #writes = 0

  /**
   * Makes the plugin that `config.STORAGE` names and a runtime over it. In a Worker, `env` is the
   * config.
   *
   * @throws StoreError `PLUGIN_NOT_FOUND`, `CONFIG_INVALID`
   */
  static async start(
    config: BotConfig,
    registry: StorageRegistry,
    options?: RuntimeOptions,
  ): Promise<StorageRuntime> {
    return new StorageRuntime(await resolvePlugin(config, registry), options)
  }

  constructor(plugin: StoragePluginBase, options: RuntimeOptions = {}) {
    this.#plugin = plugin
    this.#now = options.now ?? Date.now
    this.#allowLostUpdates = options.allowLostUpdates ?? false
    this.#onEvent = options.onEvent ?? noop
  }

  /**
   * Opens a namespace. An open that failed can be tried again.
   *
   * @throws StoreError `INVALID_NAMESPACE`, `STORE_NOT_OPEN` if the runtime was closed, or what
   * the backend says
   */
  async open<T extends object = Record<string, unknown>>(namespace: string): Promise<Store<T>> {
    checkNamespace(namespace)
    this.#checkOpen(namespace)
    let space = this.#spaces.get(namespace)
    while (space?.closing !== undefined) {
      await space.closing.catch(noop)
      this.#checkOpen(namespace)
      space = this.#spaces.get(namespace)
    }
    space ??= this.#openSpace(namespace)
    return this.#openStore(namespace, space)
  }

  /**
   * The namespaces that exist in the backend, open here or not, in no particular order.
   *
   * @throws StoreError `UNAVAILABLE` if the plugin cannot tell
   */
  async *namespaces(): AsyncGenerator<string, void, undefined> {
    this.#checkOpen()
    if (this.#plugin.namespaces === undefined) {
      throw new StoreError('UNAVAILABLE', 'This storage plugin cannot list its namespaces.')
    }
    try {
      yield* this.#plugin.namespaces()
    } catch (error) {
      throw toStoreError(error, {})
    }
  }

  /** Closes every store, each after what it accepted. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    // All stores stop accepting before any of them is waited for.
    const closing = [...this.#spaces].map(async ([namespace, space]) => {
      const stores = [...space.stores].map((store) => store[asyncDispose]())
      await Promise.allSettled([...stores, space.opened])
      // An open under way finds the runtime closed and makes no store; its storage is closed here.
      await this.#closeSpace(namespace, space)
    })
    await Promise.allSettled(closing)
    await Promise.all(closing)
  }

  async #openStore<T extends object>(namespace: string, space: Space): Promise<Store<T>> {
    space.holders++
    try {
      const queue = await space.opened
      this.#checkOpen(namespace)
      const store = new Store<T>({
        namespace,
        queue,
        traits: queue.storage.traits,
        allowLostUpdates: this.#allowLostUpdates,
        now: this.#now,
        nextVersion: () => this.#nextVersion(),
        release: () => {
          space.stores.delete(store)
          return this.#release(namespace, space)
        },
      })
      space.stores.add(store)
      return store
    } catch (error) {
      await this.#release(namespace, space).catch(noop)
      throw toStoreError(error, { namespace })
    }
  }

  #openSpace(namespace: string): Space {
    const opened = (async () => {
      const storage = await this.#plugin.open(namespace, {
        now: this.#now,
        // In a turn of its own: what a listener throws is reported as any uncaught error.
        emit: (type, reason) =>
          void Promise.resolve().then(() => this.#onEvent({ type, namespace, reason })),
      })
      return new OperationQueue(storage, namespace)
    })()
    const space: Space = { opened, stores: new Set(), holders: 0 }
    this.#spaces.set(namespace, space)
    return space
  }

  async #release(namespace: string, space: Space): Promise<void> {
    space.holders--
    if (space.holders === 0) await this.#closeSpace(namespace, space)
  }

  #closeSpace(namespace: string, space: Space): Promise<void> {
    space.closing ??= (async () => {
      try {
        const queue = await space.opened.catch(noop)
        await queue?.storage.close()
      } catch (error) {
        throw toStoreError(error, { namespace })
      } finally {
        // What cannot be opened is not kept either, so that the next caller tries anew.
        this.#spaces.delete(namespace)
      }
    })()
    return space.closing
  }

  // Not made before it is needed: a Worker has no randomness while it starts.
  #nextVersion(): string {
    this.#writer ??= [...crypto.getRandomValues(new Uint32Array(3))]
      .map((part) => part.toString(36))
      .join('')
    return `${this.#writer}.${(this.#writes++).toString(36)}`
  }

  #checkOpen(namespace?: string): void {
    if (this.#closing === undefined) return
    throw new StoreError('STORE_NOT_OPEN', 'The runtime is closed.', { namespace })
  }
}
