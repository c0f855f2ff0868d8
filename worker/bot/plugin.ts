import type { StorageRuntime } from 'botshelf'
import type { Command } from './call.ts'
import type { BotMessage } from './message.ts'

/** The settings of a plugin: what `!config` shows and changes. */
export type PluginConfig = Readonly<Record<string, string | number | boolean>>

export interface BotCommand {
  /** How it is written, as `!help` shows it. */
  readonly usage: string
  /** What it does, in a few words. */
  readonly doc: string
  /** Only for admins? */
  readonly admin?: boolean
  run(call: Command): Promise<string | readonly string[]>
}

/** What the bot's storage is called, and what its users must know of it, in a sentence. */
export interface StorageNote {
  readonly name: string
  readonly note?: string
}

/** What a plugin may ask of the bot that it belongs to. */
export interface PluginHost {
  readonly runtime: StorageRuntime
  readonly storage: StorageNote
  readonly manager: {
    readonly all: readonly BotPlugin[]
    find(name: string): BotPlugin | undefined
    blacklist(): Promise<readonly string[]>
    ban(plugin: BotPlugin): Promise<void>
    unban(plugin: BotPlugin): Promise<void>
    config(plugin: BotPlugin): Promise<PluginConfig>
    configure(plugin: BotPlugin, change: PluginConfig): Promise<void>
  }
  /** The plugins that are not blacklisted. */
  active(): Promise<readonly BotPlugin[]>
  /** The command of this name, blacklisted or not. */
  command(name: string): BotCommand | undefined
  isAdmin(message: BotMessage): boolean
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
  /** What else it answers, as `!help` shows it. */
  readonly hints: readonly string[] = []
  /** Its settings before anybody changed one; what is not here cannot be set. */
  readonly defaults: PluginConfig = {}
  protected readonly bot: PluginHost

  constructor(bot: PluginHost) {
    this.bot = bot
  }

  /** Listens to everything that happens; `call` is there if the message calls the bot. */
  async hear(_message: BotMessage, _call: Command | undefined): Promise<readonly string[]> {
    return []
  }
}
