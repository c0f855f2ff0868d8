// worker.ts
import { StorageRuntime } from 'botshelf'
import { durableObject } from 'botshelf/durable-object'
export { StorageObject } from 'botshelf/storage-object' // the class that wrangler.toml binds

interface Env {
  STORAGE: string
  STORAGE_CONFIG: { binding: string }
  BOT_STORAGE: DurableObjectNamespace
}

export default {
  async fetch(_request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const runtime = await StorageRuntime.start(env, [durableObject])
    const karma = await runtime.open<Record<string, number>>('Karma')
    const count = await karma.increment('ann')
    ctx.waitUntil(runtime.close())
    return new Response(`ann: ${count}\n`)
  },
}
