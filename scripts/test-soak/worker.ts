import { DurableObject } from 'cloudflare:workers'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { StorageObject } from '../../adapters/storage-object.ts'
import type { StoragePluginBase } from '../../src/index.ts'
import { Load, type LoadCounts } from './load.ts'
import type { WorkerBackend, WorkerReply } from './worker-messages.ts'

interface Env {
  readonly BOT_STORAGE: DurableObjectNamespace<SoakObject>
  readonly HOST: DurableObjectNamespace<HostObject>
  readonly BOT_KV: KVNamespace
}

const CALLS = 25
const KV_CALLS = 10
/** One batch in so many resets the object that runs it. */
const BATCHES_PER_RESET = 5

let unhandledRejections = 0
addEventListener('unhandledrejection', () => void unhandledRejections++)

/** An object that can be reset. */
export class SoakObject extends StorageObject {
  reset(): void {
    this.ctx.abort('reset for the soak')
  }
}

/** An object that runs the load in its own storage. */
export class HostObject extends DurableObject {
  #load: Load | undefined

  async work(seed: number): Promise<LoadCounts> {
    const createPlugin = (): StoragePluginBase =>
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage: this.ctx.storage } })
    this.#load ??= await Load.start({ createPlugin, calls: CALLS })
    return this.#load.run(seed)
  }

  reset(): void {
    this.ctx.abort('reset for the soak')
  }
}

const BACKENDS: Readonly<Record<WorkerBackend, (env: Env, seed: number) => Promise<LoadCounts>>> = {
  async 'DurableObject, from a Worker'(env, seed) {
    const createPlugin = (): StoragePluginBase =>
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } })
    const disturb = (): Promise<void> => resetObject(env.BOT_STORAGE.getByName('botshelf/Soak'))
    const load = await Load.start({ createPlugin, calls: CALLS, disturb })
    const counts = await load.run(seed)
    await load.close()
    return counts
  },
  async 'DurableObject, inside'({ HOST }, seed) {
    const host = HOST.getByName('soak')
    if (seed % BATCHES_PER_RESET > 0) return host.work(seed)
    const running = host.work(seed).catch(() => ({ calls: 0, errors: { reset: 1 } }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    await resetObject(HOST.getByName('soak'))
    return running
  },
  async CloudflareKV({ BOT_KV }, seed) {
    const load = await Load.start({
      createPlugin: () => new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: BOT_KV } }),
      calls: KV_CALLS,
      options: { allowLostUpdates: true },
    })
    const counts = await load.run(seed)
    await load.close()
    return counts
  },
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method === 'GET') return new Response()
    const { backend, seed } = await request.json<{ backend: WorkerBackend; seed: number }>()
    const counts = await BACKENDS[backend](env, seed)
    return Response.json({ ...counts, unhandledRejections } satisfies WorkerReply)
  },
}

/** A call that resets its object fails. */
async function resetObject(stub: { reset(): Promise<void> }): Promise<void> {
  await stub.reset().catch(() => {})
}
