import { StorageRuntime, type RuntimeOptions } from '../runtime.ts'
import {
  type Change,
  type Entry,
  type StorageBase,
  type StorageHost,
  StoragePluginBase,
  type Traits,
} from '../storage.ts'
import type { Store } from '../store.ts'

export type MakePlugin = () => StoragePluginBase | Promise<StoragePluginBase>
export type AnyStore = Store

/**
 * One rule. `exempt` says why a backend with such traits is not held to it, and so may `run`.
 */
export interface Rule {
  readonly id: string
  readonly name: string
  readonly exempt?: (traits: Traits) => string | undefined
  readonly run: (subject: TestBackend) => Promise<string | undefined | void>
}

/** A backend under test, as one case sees it: new namespaces, a clock of its own, a count of openings. */
export class TestBackend {
  readonly #make: MakePlugin
  readonly #plugin: StoragePluginBase
  readonly #opened: { namespace: string; storage: StorageBase }[] = []
  readonly #runtimes: StorageRuntime[] = []
  readonly #namespaces: string[] = []
  /** The time, in milliseconds since 1970. It stands still until a case moves it. */
  time: number = Date.now()
  traits: Traits = NO_TRAITS

  private constructor(make: MakePlugin, plugin: StoragePluginBase) {
    this.#make = make
    this.#plugin = plugin
  }

  static async of(make: MakePlugin): Promise<TestBackend> {
    const subject = new TestBackend(make, await make())
    const storage = await subject.storage()
    subject.traits = storage.traits
    return subject
  }

  /** A namespace that no other case uses. */
  namespace(name = 'case'): string {
    const parts = crypto.getRandomValues(new Uint32Array(2))
    const namespace = `${name}-${[...parts].map((part) => part.toString(36)).join('')}`
    this.#namespaces.push(namespace)
    return namespace
  }

  /** A namespace of a given name, emptied first. */
  async exact(namespace: string): Promise<string> {
    const storage = await this.storage(namespace)
    await storage.clear()
    this.#namespaces.push(namespace)
    return namespace
  }

  /** A storage as the contract has it, with no store around it. */
  async storage(
    namespace: string = this.namespace(),
    plugin: StoragePluginBase = this.#plugin,
  ): Promise<StorageBase> {
    const storage = await plugin.open(namespace)
    this.#opened.push({ namespace, storage })
    return storage
  }

  /** The plugin made anew over the same backend, as after a restart. */
  async restarted(): Promise<StoragePluginBase> {
    return this.#make()
  }

  get plugin(): StoragePluginBase {
    return this.#plugin
  }

  runtime(options: RuntimeOptions = {}, plugin: StoragePluginBase = this.#plugin): StorageRuntime {
    const runtime = new StorageRuntime(plugin, { now: () => this.time, ...options })
    this.#runtimes.push(runtime)
    return runtime
  }

  async store(options?: RuntimeOptions): Promise<AnyStore> {
    return this.runtime(options).open(this.namespace())
  }

  /** Closes what the case left open and empties what it used. */
  async end(): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.close()
    for (const namespace of new Set(this.#namespaces)) await (await this.storage(namespace)).clear()
    for (const { storage } of this.#opened) await storage.close()
  }
}

/** Watches what reaches a plugin, and can hold it up or refuse it. */
export class SpyPlugin extends StoragePluginBase {
  readonly #inner: StoragePluginBase
  opens = 0
  closes = 0
  /** Methods that were called on a storage when it was closed already. */
  readonly late: string[] = []
  /** Called before each open; what it throws is what the open throws. */
  beforeOpen: () => Promise<void> | void = () => {}
  beforeCommit: () => Promise<void> | void = () => {}
  beforeClose: () => Promise<void> | void = () => {}

  constructor(inner: StoragePluginBase) {
    super({})
    this.#inner = inner
  }

  async open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    this.opens++
    await this.beforeOpen()
    const storage = await this.#inner.open(namespace, host)
    let closed = false
    return new Proxy(storage, {
      get: (_, name) => {
        const member: unknown = Reflect.get(storage, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]): unknown => {
          if (closed) this.late.push(String(name))
          if (name === 'close') {
            closed = true
            this.closes++
          }
          const call = (): unknown => Reflect.apply(member, storage, args)
          if (name === 'close') return this.#held(this.beforeClose, call)
          const writes = name === 'commit' || name === 'transact'
          return writes ? this.#held(this.beforeCommit, call) : call()
        }
      },
    })
  }

  async #held(before: () => Promise<void> | void, call: () => unknown): Promise<unknown> {
    await before()
    return call()
  }
}

/** An entry as a writer makes it. */
export function entry(value: unknown, version = `v${Math.random()}`, expires?: number): Entry {
  return expires === undefined ? { value, version } : { value, version, expires }
}

/** A change that sets, as a writer makes it. */
export const set = (key: string, to: Entry, ifVersion?: string | null): Change =>
  ifVersion === undefined
    ? { key, entry: to, bytes: 100 }
    : { key, entry: to, bytes: 100, ifVersion }

/** A change that removes. */
export const remove = (key: string, ifVersion?: string | null): Change =>
  ifVersion === undefined ? { key, remove: true } : { key, remove: true, ifVersion }

const NO_TRAITS: Traits = {
  atomic: 'none',
  durable: false,
  consistency: 'eventual',
  batchAcrossTicks: false,
  maxKeyBytes: 0,
  maxValueBytes: 0,
  watch: false,
}

/** For rules about conditional writes. */
export function exemptUnlessAtomic({ atomic }: Traits): string | undefined {
  return atomic === 'none' ? 'the backend has no conditional writes' : undefined
}
