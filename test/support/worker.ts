import { DurableObject } from 'cloudflare:workers'
import { type ChaosPlan, ChaosStorageObject } from '../../adapters/chaos-storage-object.ts'
import { durableObject, DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { conformance } from '../../src/conformance.ts'
import { StorageObject } from '../../adapters/storage-object.ts'
import { StorageRuntime, type Store, StoreError, type StoreErrorData } from '../../src/index.ts'

export { StorageObject }

/** A class that is declared under `new_classes`, without SQLite. */
export class LegacyObject extends StorageObject {}

/** An object whose plan a test can set for the next start. */
export class ChaosObject extends ChaosStorageObject {
  static plan: ChaosPlan = {}
  protected override readonly plan: ChaosPlan = ChaosObject.plan
}

interface HostReply {
  readonly result?: unknown
  readonly error?: StoreErrorData
}

/** An object as a bot author writes it, with stores in its own storage. */
export class HostObject extends DurableObject {
  readonly #cases = new Map(
    conformance({ plugin: () => this.plugin() }).map((each) => [each.id, each]),
  )

  plugin(): DurableObjectStoragePlugin {
    return new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage: this.ctx.storage } })
  }

  async remember(key: string, value: string): Promise<void> {
    await (await this.#openNotes()).set(key, value)
  }

  async recall(key: string): Promise<string | undefined> {
    return (await this.#openNotes()).get(key)
  }

  /** Returns what it receives. */
  async echo(value: unknown): Promise<unknown> {
    return value
  }

  /** Throws the error that it receives. */
  async fail(error: Error): Promise<never> {
    throw error
  }

  /** Calls a method of a store inside the object. Resolves to data, also for an error. */
  async callStore(method: string, args: readonly unknown[]): Promise<HostReply> {
    const store = await new StorageRuntime(this.plugin()).open('history')
    try {
      const call = store[method as 'getMany'] as (
        this: Store,
        ...args: unknown[]
      ) => Promise<unknown>
      return { result: await call.apply(store, [...args]) }
    } catch (error) {
      return { error: StoreError.from(error).toJSON() }
    }
  }

  /** Runs one conformance case inside the object, and resolves to the reason if it is skipped. */
  async runCase(id: string): Promise<string | undefined> {
    const found = this.#cases.get(id)
    if (found === undefined) throw new RangeError(`Unknown conformance case: ${id}`)
    return found.run()
  }

  #openNotes(): Promise<Store<Record<string, string>>> {
    return new StorageRuntime(this.plugin()).open('notes')
  }
}

export default {
  /** Increments a counter, with a runtime per request, as a deployed bot does. */
  async fetch(request: Request, env: object): Promise<Response> {
    const key = new URL(request.url).searchParams.get('key') ?? 'n'
    const config = { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'BOT_STORAGE' }, ...env }
    const runtime = await StorageRuntime.start(config, [durableObject])
    const counter = await runtime.open<Record<string, number>>('counter')
    return new Response(String(await counter.update(key, (n = 0) => n + 1)))
  },
}
