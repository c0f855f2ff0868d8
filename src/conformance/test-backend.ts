import { type RuntimeOptions, StorageRuntime } from '../runtime.ts'
import type { StorageBase, StoragePluginBase, Traits } from '../storage.ts'
import type { Store } from '../store.ts'
import { fail } from './assertions.ts'

/** Creates the plugin under test. */
export type CreatePlugin = () => StoragePluginBase | Promise<StoragePluginBase>

/** The backend under test as one case uses it: new namespaces, a fake clock, and cleaning up. */
export class TestBackend {
  readonly plugin: StoragePluginBase
  readonly traits: Traits
  readonly #createPlugin: CreatePlugin
  readonly #storages: StorageBase[] = []
  readonly #runtimes: StorageRuntime[] = []
  readonly #namespaces = new Set<string>()
  #now = Date.now()

  /** Creates the plugin, and opens a namespace to read the traits. */
  static async create(createPlugin: CreatePlugin): Promise<TestBackend> {
    const plugin = await createPlugin()
    const namespace = uniqueName('case')
    const storage = await plugin.open(namespace)
    const backend = new TestBackend(createPlugin, plugin, storage.traits)
    backend.#namespaces.add(namespace)
    backend.#storages.push(storage)
    return backend
  }

  private constructor(createPlugin: CreatePlugin, plugin: StoragePluginBase, traits: Traits) {
    this.#createPlugin = createPlugin
    this.plugin = plugin
    this.traits = traits
  }

  /** The time of every runtime of the case, in milliseconds since 1970. Only a case advances it. */
  get now(): number {
    return this.#now
  }

  advanceClock(ms: number): void {
    this.#now += ms
  }

  /** Returns the name of a namespace that no other case uses. */
  createNamespace(prefix = 'case'): string {
    const namespace = uniqueName(prefix)
    this.#namespaces.add(namespace)
    return namespace
  }

  /** Empties a namespace of the given name before the case uses it. */
  async clearNamespace(namespace: string): Promise<void> {
    const storage = await this.openStorage(namespace)
    await storage.clear()
    this.#namespaces.add(namespace)
  }

  /** Opens a storage of the adapter, without a store around it. */
  async openStorage(
    namespace: string = this.createNamespace(),
    plugin: StoragePluginBase = this.plugin,
  ): Promise<StorageBase> {
    const storage = await plugin.open(namespace)
    this.#storages.push(storage)
    return storage
  }

  /** Creates another plugin over the same backend, as after a restart. */
  async createPlugin(): Promise<StoragePluginBase> {
    return this.#createPlugin()
  }

  /**
   * Creates a plugin as another client has it. If only the users of one plugin instance are safe from
   * each other, returns the plugin of the case.
   */
  async createPluginOfOtherClient(): Promise<StoragePluginBase> {
    const { atomic } = this.traits
    return atomic === 'global' || atomic === 'origin' ? this.createPlugin() : this.plugin
  }

  createRuntime(
    options: RuntimeOptions = {},
    plugin: StoragePluginBase = this.plugin,
  ): StorageRuntime {
    const runtime = new StorageRuntime(plugin, { now: () => this.now, ...options })
    this.#runtimes.push(runtime)
    return runtime
  }

  async openStore(options?: RuntimeOptions): Promise<Store> {
    return this.createRuntime(options).open(this.createNamespace())
  }

  /** Opens stores of one namespace that share no runtime, as those of two requests or two tabs. */
  async openIndependentStores(count: number): Promise<Store[]> {
    const namespace = this.createNamespace()
    const stores: Store[] = []
    for (let i = 0; i < count; i++) {
      const plugin = await this.createPluginOfOtherClient()
      stores.push(await this.createRuntime({}, plugin).open(namespace))
    }
    return stores
  }

  async openTwoStores(): Promise<[one: Store, two: Store]> {
    return (await this.openIndependentStores(2)) as [Store, Store]
  }

  /** Closes what the case left open and empties the namespaces that it used. */
  async cleanUp(): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.close()
    for (const namespace of this.#namespaces) await (await this.openStorage(namespace)).clear()
    for (const storage of this.#storages) await storage.close()
  }
}

function uniqueName(prefix: string): string {
  const random = crypto.getRandomValues(new Uint32Array(2))
  return `${prefix}-${[...random].map((part) => part.toString(36)).join('')}`
}

/** Returns one store after another, so that calls spread over all of them. */
export function storeAt(stores: readonly Store[], index: number): Store {
  return stores[index % stores.length] ?? fail('expected at least one store; received none')
}
