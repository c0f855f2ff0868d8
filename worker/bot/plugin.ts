import type { Bot } from './bot.js'
import type { Call } from './call.js'
import type { BotMessage } from './message.js'

/** The settings of a plugin: what `!config` shows and changes. */
export type PluginConfig = Readonly<Record<string, string | number | boolean>>

export interface BotCommand {
  /** How it is written, as `!help` shows it. */
  readonly usage: string
  /** What it does, in a few words. */
  readonly doc: string
  /** Only for admins? */
  readonly admin?: boolean
  run(call: Call): Promise<string | readonly string[]>
}

/**
 * What a plugin of the bot is. A plugin that remembers anything is made with
 * `StoreMixin<Shape>()(BotPlugin)`, and the bot opens it under its own name as namespace.
 */
export abstract class BotPlugin {
  abstract readonly name: string
  abstract readonly doc: string
  /** The commands it answers, by name. */
  readonly commands: ReadonlyMap<string, BotCommand> = new Map()
  /** Its settings before anybody changed one; what is not here cannot be set. */
  readonly defaults: PluginConfig = {}
  protected readonly bot: Bot

  constructor(bot: Bot) {
    this.bot = bot
  }

  /** Listens to everything that happens; `call` is there if the message calls the bot. */
  async hear(_message: BotMessage, _call: Call | undefined): Promise<readonly string[]> {
    return []
  }
}
