import { memory } from '../../../adapters/memory.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { Bot } from '../../../worker/bot/bot.ts'
import type { BotMessage } from '../../../worker/bot/message.ts'

/** The default time of messages in tests. */
export const NOON: number = Date.UTC(2026, 0, 2, 12, 0)

export interface TestBot {
  readonly bot: Bot
  readonly runtime: StorageRuntime
  /** Sends a message, by default as an ordinary web user at noon. */
  readonly say: (
    nick: string,
    text: string,
    more?: Partial<BotMessage>,
  ) => Promise<readonly string[]>
  /** Sends a message as the operator. */
  readonly admin: (text: string) => Promise<readonly string[]>
  /** Resolves to the entries of a namespace. */
  readonly stored: (namespace: string) => Promise<Record<string, unknown>>
}

export async function startTestBot(admins: readonly string[] = []): Promise<TestBot> {
  const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  const bot = await Bot.start(runtime, { admins, storage: { name: 'Memory' } })
  const say: TestBot['say'] = (nick, text, more = {}) =>
    bot.handle({
      room: 'lobby',
      nick,
      identity: `web:${nick}`,
      hasAdminToken: false,
      at: NOON,
      kind: 'message',
      text,
      ...more,
    })
  return {
    bot,
    runtime,
    say,
    admin: (text) => say('boss', text, { hasAdminToken: true }),
    stored: async (namespace) => {
      const store = await runtime.open(namespace)
      const entries: [string, unknown][] = []
      for await (const entry of store) entries.push(entry)
      await store.close()
      return Object.fromEntries(entries)
    },
  }
}
