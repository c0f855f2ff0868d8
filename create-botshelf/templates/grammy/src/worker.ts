import { webhookCallback } from 'grammy'
import { type BotEnv, createBot, type Session } from './bot.ts'
import { handleAdmin, startRuntime, type StorageEnv } from './storage.ts'
export { StorageObject } from 'botshelf/storage-object' // the class that wrangler.toml binds

interface Env extends StorageEnv, BotEnv {
  readonly WEBHOOK_SECRET?: string
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const adminResponse = await handleAdmin(request, env, ctx)
    if (adminResponse !== undefined) return adminResponse
    if (new URL(request.url).pathname !== '/telegram') {
      return new Response('Telegram sends its updates to /telegram.\n', { status: 404 })
    }
    const secretToken = env.WEBHOOK_SECRET
    // Without a secret, grammY would take updates from any sender.
    if (!secretToken) return new Response('WEBHOOK_SECRET is not set.\n', { status: 500 })
    const runtime = await startRuntime(env)
    const bot = createBot(env, await runtime.open<Record<string, Session>>('sessions'))
    const response = await webhookCallback(bot, 'cloudflare-mod', { secretToken })(request)
    ctx.waitUntil(runtime.close())
    return response
  },
} satisfies ExportedHandler<Env>
