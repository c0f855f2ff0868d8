// worker.ts
import { StorageRuntime } from 'botshelf'
import { durableObject } from 'botshelf/durable-object'
import { pure, session } from 'botshelf/grammy'
import { Bot, type Context, type SessionFlavor, webhookCallback } from 'grammy'
import type { UserFromGetMe } from 'grammy/types'
export { StorageObject } from 'botshelf/storage-object' // the class that wrangler.toml binds

interface Env {
  STORAGE: string
  STORAGE_CONFIG: { binding: string }
  BOT_STORAGE: DurableObjectNamespace
  BOT_INFO: UserFromGetMe
  BOT_TOKEN: string
  WEBHOOK_SECRET: string
}

interface Session {
  count: number
}

type BotContext = Context & SessionFlavor<Session>

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const secretToken = env.WEBHOOK_SECRET
    // Without a secret, grammY would take updates from any sender.
    if (!secretToken) return new Response('WEBHOOK_SECRET is not set.', { status: 500 })
    const runtime = await StorageRuntime.start(env, [durableObject])
    const store = await runtime.open<Record<string, Session>>('sessions')
    const bot = new Bot<BotContext>(env.BOT_TOKEN, {
      botInfo: env.BOT_INFO, // otherwise grammY asks Telegram for it in each request
      client: { canUseWebhookReply: (method) => method === 'sendMessage' },
    })
    bot.use(session({ store, initial: () => ({ count: 0 }) }))
    bot.on(
      'message',
      // Runs again if another update of this chat is stored first, so that both are counted.
      pure((context, next) => {
        context.session.count++
        return next()
      }),
      async (context) => {
        await context.reply(`Message ${context.session.count}`)
      },
    )
    const response = await webhookCallback(bot, 'cloudflare-mod', { secretToken })(request)
    ctx.waitUntil(runtime.close())
    return response
  },
}
