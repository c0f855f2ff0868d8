import { DurableObject } from 'cloudflare:workers'
import { durableObject, DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { conformance } from '../../src/conformance.ts'
import { StorageRuntime } from '../../src/index.ts'

export { StorageObject } from '../../adapters/storage-object.ts'

/** A Durable Object class of a bot author that uses botshelf with its own storage. */
export class HostObject extends DurableObject {
  readonly #cases = new Map(
    conformance({ plugin: () => this.plugin() }).map((each) => [each.id, each]),
  )

  plugin(): DurableObjectStoragePlugin {
    return new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage: this.ctx.storage } })
  }

  async remember(key: string, value: string): Promise<void> {
    const store = await new StorageRuntime(this.plugin()).open<Record<string, string>>('notes')
    await store.set(key, value)
  }

  async recall(key: string): Promise<string | undefined> {
    const store = await new StorageRuntime(this.plugin()).open<Record<string, string>>('notes')
    return store.get(key)
  }

  /** Runs one conformance case inside the object. */
  async runCase(id: string): Promise<string | undefined> {
    const found = this.#cases.get(id)
    if (found === undefined) throw new RangeError(`There is no conformance case ${id}.`)
    return found.run()
  }
}

export default {
  // Each request starts a runtime, as a deployed bot does, and increments a counter.
  async fetch(request: Request, env: object): Promise<Response> {
    const name = new URL(request.url).searchParams.get('key') ?? 'n'
    const config = { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'BOT_STORAGE' }, ...env }
    const runtime = await StorageRuntime.start(config, [durableObject])
    const counter = await runtime.open<Record<string, number>>('counter')
    return new Response(String(await counter.update(name, (n = 0) => n + 1)))
  },
}
