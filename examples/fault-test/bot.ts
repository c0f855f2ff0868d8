// bot.ts
import { type Store, StoreMixin } from 'botshelf'

/** The base class of this bot's plugins. */
class BotPlugin {
  readonly name = 'karma'
}

/** Counts praise. A message whose handler fails arrives again, as Telegram's do. */
export class NaiveKarma extends StoreMixin<Record<string, number>>()(BotPlugin) {
  async praise(nick: string, _messageId: number): Promise<void> {
    await this.increment(nick)
  }
}

export interface Praise {
  readonly count: number
  readonly messageIds: readonly number[]
}

/** Counts praise, and each message once: it stores the ids of the messages that it has counted. */
export class Karma extends StoreMixin<Record<string, Praise>>()(BotPlugin) {
  async praise(nick: string, messageId: number): Promise<void> {
    await this.update(nick, ({ count, messageIds } = { count: 0, messageIds: [] }) =>
      messageIds.includes(messageId)
        ? { count, messageIds }
        : { count: count + 1, messageIds: [...messageIds.slice(-99), messageId] },
    )
  }
}

/** Greets each person once: it looks, then stores. */
export async function naiveGreet(greeted: Store, nick: string): Promise<string | undefined> {
  if (await greeted.has(nick)) return undefined
  await greeted.set(nick, true)
  return `Welcome, ${nick}!`
}

/** Greets each person once, in one atomic step. */
export async function greet(greeted: Store, nick: string): Promise<string | undefined> {
  return (await greeted.insert(nick, true)) ? `Welcome, ${nick}!` : undefined
}
