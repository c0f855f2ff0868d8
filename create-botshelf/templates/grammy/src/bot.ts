import type { Store } from 'botshelf'
import { pure, session } from 'botshelf/grammy'
import { Bot, type Context, type SessionFlavor } from 'grammy'
import type { UserFromGetMe } from 'grammy/types'

export interface BotEnv {
  readonly BOT_INFO: UserFromGetMe
  readonly BOT_TOKEN: string
}

/** What the bot remembers of a chat. */
export interface Session {
  count: number
}

type BotContext = Context & SessionFlavor<Session>

/** Creates the bot of one request. */
export function createBot(env: BotEnv, store: Store<Record<string, Session>>): Bot<BotContext> {
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
  return bot
}
