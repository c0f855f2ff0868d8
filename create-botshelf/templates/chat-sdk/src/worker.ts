import { createBot } from './bot.ts'
import { handleAdmin, startRuntime, type StorageEnv } from './storage.ts'
export { StorageObject } from 'botshelf/storage-object' // the class that wrangler.toml binds

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const adminResponse = await handleAdmin(request, env, ctx)
    if (adminResponse !== undefined) return adminResponse
    if (request.method !== 'POST') return new Response('Send a message by POST.\n')

    const runtime = await startRuntime(env)
    const bot = await createBot(runtime)
    const response = await bot.webhooks.json(request)
    ctx.waitUntil(runtime.close())
    return response
  },
} satisfies ExportedHandler<StorageEnv>
