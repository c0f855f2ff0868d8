import { BOOLEAN, checkOptions, FUNCTION, type OptionTypes } from './arguments.ts'
import { asyncDispose, noop } from './async.ts'
import type { ValueSchema } from './changes.ts'
import { checkName } from './backend-reply.ts'
import { type BotConfig, DURATION_LIMITS, invalidConfig, isDuration } from './config.ts'
import { quote, StoreError, toStoreError } from './errors.ts'
import { checkNamespace } from './key.ts'
import { observe, type OperationRecord } from './observe.ts'
import { OperationQueue } from './queue/operation-queue.ts'
import { resolvePlugin, type StorageRegistry } from './registry.ts'
import {
  createValueSchema,
  type InferOutput,
  type OpenOptions,
  type StandardSchema,
} from './schema.ts'
import { addStamp } from './stamp.ts'
import type { StorageEventType, StorageHost, StoragePluginBase } from './storage.ts'
import { Store } from './store.ts'
import { DEFAULT_TIME_LIMIT_MS, limitPlugin, type PluginCalls } from './time-limit.ts'

/** An event of a namespace outside any call, such as the loss of its data. */
export interface RuntimeEvent {
  /**
   * `data-lost`: stored data is gone. `blocked`: opening waits for another client, such as another
   * tab. `reopened`: a lost connection was opened again.
   */
  readonly type: StorageEventType
  readonly namespace: string
  /** What happened, for people: a clause without capital or full stop. */
  readonly reason: string
}

/**
 * Options of a runtime.
 *
 * @example
 * const runtime = await StorageRuntime.start(env, registry, {
 *   allowLostUpdates: true,
 *   onEvent: ({ type, namespace, reason }) => console.warn(type, namespace, reason),
 *   onOperation: ({ kind, durationMs, outcome }) => console.debug(kind, durationMs, outcome),
 * })
 */
export interface RuntimeOptions {
  /** Returns the current time for expiries, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
  /**
   * Whether the atomic steps, such as `update`, `insert` and `transaction`, and `setMany` work on a
   * backend that cannot make them atomic (`traits.atomic` is `none`). One of two concurrent writes may
   * then be lost; on Workers KV a write within about 60 seconds of another to the same key, wherever
   * either is made. Default: false, and they reject with `NOT_ATOMIC`.
   */
  readonly allowLostUpdates?: boolean | undefined
  /**
   * Receives each event that belongs to no call. An error that it throws becomes an unhandled
   * rejection.
   */
  readonly onEvent?: ((event: RuntimeEvent) => void) | undefined
  /**
   * Receives a record of each call to the backend when it has ended. An error that it throws becomes
   * an unhandled rejection. Default: nothing is recorded, which costs nothing.
   */
  readonly onOperation?: ((record: OperationRecord) => void) | undefined
  /**
   * The time limit of each call to the backend, in milliseconds, from 1 to 2,147,483,647. A call that
   * takes longer rejects with `TIMEOUT`, and a write may have been applied. A call with many keys has
   * it once for each 100. Default: `STORAGE_CONFIG.operationTimeout`, or 30,000.
   */
  readonly operationTimeout?: number | undefined
}

const OPTIONS: OptionTypes = {
  now: FUNCTION,
  allowLostUpdates: BOOLEAN,
  onEvent: FUNCTION,
  onOperation: FUNCTION,
  operationTimeout: [DURATION_LIMITS, isDuration],
}

/** The options of a runtime with their defaults. */
interface ResolvedOptions {
  readonly now: () => number
  readonly allowLostUpdates: boolean
  readonly onEvent: (event: RuntimeEvent) => void
  readonly onOperation: ((record: OperationRecord) => void) | undefined
  readonly operationTimeout: number
}

/** A namespace that is open, opening or closing, shared by all of its stores. */
interface NamespaceHandle {
  readonly queue: Promise<OperationQueue>
  readonly stores: Set<AsyncDisposable>
  /** How many stores are open or opening. */
  refCount: number
  closing?: Promise<void>
}

/**
 * Opens the namespaces of one storage plugin. All stores of a namespace share one storage, which
 * opens with the first store and closes with the last.
 */
export class StorageRuntime {
  readonly #plugin: PluginCalls
  readonly #options: ResolvedOptions
  readonly #handles = new Map<string, NamespaceHandle>()
  #closing: Promise<void> | undefined
  #versionPrefix: string | undefined
  #versionCount = 0

  /**
   * Creates the plugin that `config.STORAGE` names, and a runtime over it. It opens no namespace
   * yet.
   *
   * @param config in a Worker, its `env`
   * @param registry the manifests to search, before `config.BOT_EXTRA_STORAGE_PLUGINS`
   * @throws StoreError `PLUGIN_NOT_FOUND`, `CONFIG_INVALID`, or `INVALID_VALUE` for an option
   *
   * @example
   * import { StorageRuntime } from 'botshelf'
   * import { memory } from 'botshelf/memory'
   *
   * const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
   * const karma = await runtime.open<Record<string, number>>('Karma')
   */
  static async start(
    config: BotConfig,
    registry: StorageRegistry,
    options?: RuntimeOptions,
  ): Promise<StorageRuntime> {
    return new StorageRuntime(await resolvePlugin(config, registry), options)
  }

  /**
   * Creates a runtime over a plugin, without a registry.
   *
   * @throws StoreError `CONFIG_INVALID` for what is no plugin, `INVALID_VALUE` for an option
   *
   * @example
   * const runtime = new StorageRuntime(new MemoryStoragePlugin(), { now: () => time })
   */
  constructor(plugin: StoragePluginBase, options?: RuntimeOptions) {
    const {
      now = Date.now,
      allowLostUpdates = false,
      onEvent = noop,
      onOperation,
      operationTimeout = plugin?.operationTimeout ?? DEFAULT_TIME_LIMIT_MS,
    } = checkOptions<RuntimeOptions>(options, OPTIONS)
    if (typeof (plugin as Partial<StoragePluginBase> | null | undefined)?.open !== 'function') {
      throw invalidConfig(
        `new StorageRuntime() needs a plugin; received ${quote(plugin)}. For manifests call StorageRuntime.start().`,
      )
    }
    const limited = limitPlugin(plugin, operationTimeout)
    this.#plugin = onOperation ? observe(limited, { onOperation, attempt: 1 }) : limited
    this.#options = { now, allowLostUpdates, onEvent, onOperation, operationTimeout }
  }

  /**
   * Opens a store of a namespace. Every call returns a store of its own, to be closed on its own.
   * After a failure it can be called again.
   *
   * @param namespace a non-empty string without unpaired surrogates
   * @param options a schema that validates the values, the version of the values with the function
   * that converts earlier ones, and a signal that closes the store
   * @throws StoreError `INVALID_NAMESPACE`; `INVALID_VALUE` for invalid options; `STORE_NOT_OPEN` if
   * the runtime is closed or the signal aborts; `TIMEOUT`; or an error of the backend, such as `BLOCKED`, `VERSION_MISMATCH` or
   * `UNAVAILABLE`
   *
   * @example
   * const users = await runtime.open('Users', { schema: z.object({ name: z.string() }) })
   */
  open<T extends object = Record<string, unknown>>(
    namespace: string,
    options?: OpenOptions<T> & { readonly schema?: undefined },
  ): Promise<Store<T>>
  // With a type for all keys; no schema fits the default.
  open<T extends object = never>(namespace: string, options: OpenOptions<T>): Promise<Store<T>>
  // The last, since compilers report its error: the schema gives the type.
  open<S extends StandardSchema>(
    namespace: string,
    options: OpenOptions<Record<string, InferOutput<S>>> & { readonly schema?: S | undefined },
  ): Promise<Store<Record<string, InferOutput<S>>>>
  async open<T extends object>(namespace: string, options?: OpenOptions<T>): Promise<Store<T>> {
    checkNamespace(namespace)
    const schema = options === undefined ? undefined : createValueSchema(namespace, options)
    const signal = options?.signal
    this.#checkOpen(namespace, signal)
    let handle = this.#handles.get(namespace)
    while (handle?.closing) {
      await handle.closing.catch(noop)
      this.#checkOpen(namespace, signal)
      handle = this.#handles.get(namespace)
    }
    handle ??= this.#openNamespace(namespace)
    return this.#openStore(namespace, handle, schema, signal)
  }

  /**
   * Lists the namespaces of the backend, open in this runtime or not, in any order. It may include
   * namespaces that hold no data any more.
   *
   * @throws StoreError `UNAVAILABLE` if the plugin cannot list them; `STORE_NOT_OPEN` if the
   * runtime is closed
   */
  async *namespaces(): AsyncGenerator<string, void, undefined> {
    this.#checkOpen()
    if (!this.#plugin.namespaces) {
      throw new StoreError(
        'UNAVAILABLE',
        'namespaces() needs a plugin that can list them. Use another backend.',
      )
    }
    try {
      for await (const namespace of this.#plugin.namespaces()) yield checkName(namespace)
    } catch (error) {
      throw toStoreError(error, { outcome: 'not-applied' })
    }
  }

  /**
   * Removes a namespace with all of its data, in this runtime and in every other one. A namespace
   * that does not exist is ignored.
   *
   * @throws StoreError `STORE_ALREADY_OPEN` if a store of the namespace is open in this runtime;
   * `INVALID_NAMESPACE`; `STORE_NOT_OPEN` if the runtime is closed; `BLOCKED` if another client
   * holds it; or an error of the backend
   *
   * @example
   * await runtime.drop('Karma')
   */
  async drop(namespace: string): Promise<void> {
    checkNamespace(namespace)
    this.#checkOpen(namespace)
    let handle = this.#handles.get(namespace)
    while (handle?.closing !== undefined) {
      await handle.closing.catch(noop)
      this.#checkOpen(namespace)
      handle = this.#handles.get(namespace)
    }
    if (handle !== undefined) {
      throw new StoreError(
        'STORE_ALREADY_OPEN',
        'drop() needs a namespace without open stores here; close them first.',
        { namespace },
      )
    }
    const dropping = this.#plugin
      .drop(namespace, this.#hostOf(namespace))
      .catch((error: unknown) => {
        throw toStoreError(error, { namespace })
      })
      .finally(() => this.#handles.delete(namespace))
    // A handle that is closing makes open() wait until the namespace is gone. It gets no queue.
    const queue = dropping as Promise<never>
    this.#handles.set(namespace, { queue, stores: new Set(), refCount: 0, closing: dropping })
    await dropping
  }

  /**
   * Closes every store, after the operations that were called before. A second call waits for the
   * first.
   *
   * @throws StoreError an error of the backend; the runtime is closed all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Closes the runtime, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    // Every store rejects new operations before this waits for any of them.
    const closing = [...this.#handles].map(async ([namespace, handle]) => {
      const stores = [...handle.stores].map((store) => store[asyncDispose]())
      await Promise.allSettled([...stores, handle.queue])
      // An open() in progress finds the runtime closed and creates no store; close its storage here.
      await this.#closeNamespace(namespace, handle)
    })
    await Promise.allSettled(closing)
    await Promise.all(closing)
  }

  async #openStore<T extends object>(
    namespace: string,
    handle: NamespaceHandle,
    schema: ValueSchema | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Store<T>> {
    handle.refCount++
    try {
      const queue = await handle.queue
      this.#checkOpen(namespace, signal)
      const onAbort = (): void => void store[asyncDispose]().catch(noop)
      const store = new Store<T>({
        namespace,
        queue,
        traits: queue.storage.traits,
        ...this.#options,
        schema,
        nextVersion: (stamp = 0) => addStamp(this.#nextVersion(), schema?.version ?? stamp),
        release: () => {
          signal?.removeEventListener('abort', onAbort)
          handle.stores.delete(store)
          return this.#release(namespace, handle)
        },
      })
      handle.stores.add(store)
      signal?.addEventListener('abort', onAbort)
      return store
    } catch (error) {
      await this.#release(namespace, handle).catch(noop)
      throw toStoreError(error, { namespace, outcome: 'not-applied' })
    }
  }

  #openNamespace(namespace: string): NamespaceHandle {
    const queue = (async () => {
      const storage = await this.#plugin.open(namespace, this.#hostOf(namespace))
      const { now, onOperation, operationTimeout } = this.#options
      return new OperationQueue(storage, namespace, now, onOperation, operationTimeout)
    })()
    const handle: NamespaceHandle = { queue, stores: new Set(), refCount: 0 }
    this.#handles.set(namespace, handle)
    return handle
  }

  #hostOf(namespace: string): StorageHost {
    return {
      now: this.#options.now,
      // In a microtask, so that an error of the listener never reaches the storage.
      emit: (type, reason) =>
        void Promise.resolve().then(() => this.#options.onEvent({ type, namespace, reason })),
    }
  }

  async #release(namespace: string, handle: NamespaceHandle): Promise<void> {
    handle.refCount--
    if (handle.refCount === 0) await this.#closeNamespace(namespace, handle)
  }

  #closeNamespace(namespace: string, handle: NamespaceHandle): Promise<void> {
    handle.closing ??= (async () => {
      try {
        const queue = await handle.queue.catch(noop)
        await queue?.close()
      } catch (error) {
        throw toStoreError(error, { namespace })
      } finally {
        // Forget a failed open too, so that the next call of open() tries again.
        this.#handles.delete(namespace)
      }
    })()
    return handle.closing
  }

  #nextVersion(): string {
    try {
      this.#versionPrefix ??= [...crypto.getRandomValues(new Uint32Array(2))]
        .map((part) => part.toString(36))
        .join('')
        .concat('.')
    } catch (cause) {
      throw new StoreError(
        'UNAVAILABLE',
        'A write needs crypto.getRandomValues(), which a Worker lacks in its global scope. Write in a handler.',
        { cause },
      )
    }
    return this.#versionPrefix + (this.#versionCount++).toString(36)
  }

  #checkOpen(namespace?: string, signal?: AbortSignal): void {
    if (!this.#closing && signal?.aborted !== true) return
    const message = this.#closing
      ? 'The runtime is closed; start a new one.'
      : 'The signal has aborted; open the store again with another.'
    throw new StoreError('STORE_NOT_OPEN', message, { namespace, cause: signal?.reason })
  }
}
