import { Bot, type Context, type SessionFlavor } from 'grammy'
import type { Update, UserFromGetMe } from 'grammy/types'

export interface Data {
  count: number
  names?: string[]
  nested?: { level: { value: number } }
  lang?: string
}

export type DataContext<S = Data> = Context & SessionFlavor<S>

export const BOT_INFO = {
  id: 1,
  is_bot: true,
  first_name: 'Test',
  username: 'test_bot',
} as UserFromGetMe

/** A bot whose API calls go nowhere. */
export interface TestBot<S> {
  readonly bot: Bot<DataContext<S>>
  /** The texts of the messages that the bot has sent. */
  readonly sent: string[]
}

export function createBot<S = Data>(): TestBot<S> {
  const bot = new Bot<DataContext<S>>('1:token', { botInfo: BOT_INFO })
  const sent: string[] = []
  bot.api.config.use(async (_call, _method, payload) => {
    sent.push(String((payload as { text?: unknown }).text))
    return { ok: true, result: true as never }
  })
  return { bot, sent }
}

let lastUpdate = 0

/** An update with a message in a private chat. */
export function messageUpdate(text: string, chatId = 7): Update {
  lastUpdate++
  const person = { id: chatId, first_name: 'Ann' }
  const command = text.startsWith('/')
    ? { entities: [{ type: 'bot_command' as const, offset: 0, length: text.length }] }
    : {}
  return {
    update_id: lastUpdate,
    message: {
      message_id: lastUpdate,
      date: 1_700_000_000,
      chat: { ...person, type: 'private' },
      from: { ...person, is_bot: false },
      text,
      ...command,
    },
  }
}

/** An update that belongs to no chat. */
export function inlineQueryUpdate(): Update {
  lastUpdate++
  return {
    update_id: lastUpdate,
    inline_query: {
      id: '1',
      from: { id: 7, is_bot: false, first_name: 'Ann' },
      query: '',
      offset: '',
    },
  }
}

/** Creates a function whose calls resolve when there have been `count`, so that as many handlers overlap. */
export function createBarrier(count: number): () => Promise<void> {
  let arrived = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  return async () => {
    arrived++
    if (arrived === count) resolve()
    await promise
  }
}
