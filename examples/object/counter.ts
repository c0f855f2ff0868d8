// counter.ts
import { DurableObject } from 'cloudflare:workers'
import { StorageRuntime } from 'botshelf'
import { DurableObjectStoragePlugin } from 'botshelf/durable-object'

export class Counter extends DurableObject {
  readonly #runtime = new StorageRuntime(
    new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage: this.ctx.storage } }),
  )

  async up(): Promise<number> {
    await using store = await this.#runtime.open<{ n: number }>('counter')
    return await store.increment('n')
  }
}
