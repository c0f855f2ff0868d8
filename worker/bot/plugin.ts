import type { StorageRuntime } from 'botshelf'
import type { Command } from './command.ts'
import type { BotMessage } from './message.ts'

/** The settings of a plugin, which `!config` shows and changes. */
export type PluginConfig = Readonly<Record<string, string | number | boolean>>

/** A command of a plugin. */
export interface BotCommand {
  /** The usage line that `!help` shows. */
  readonly usage: string
  /** A few words on what it does. */
  readonly doc: string
  /** Whether only admins may use it. */
  readonly admin?: boolean
  /** Runs the command and resolves to the reply, or to one reply per line. */
  run(command: Command): Promise<string | readonly string[]>
}

/** The name of the bot's storage, and a sentence that its users should know. */
export interface StorageNote {
  readonly name: string
  readonly note?: string
}

/** The part of the bot that its plugins may use. */
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
  /** Resolves to the plugins that are not blacklisted. */
  activePlugins(): Promise<readonly BotPlugin[]>
  /** Finds a command by name, also of a blacklisted plugin. */
  findCommand(name: string): BotCommand | undefined
  isAdmin(message: BotMessage): boolean
}

/**
 * The base class of the bot's plugins. A plugin that stores data extends
 * `StoreMixin<Shape>()(BotPlugin)`; the bot then opens a namespace with the plugin's name.
 */
export abstract class BotPlugin {
  abstract readonly name: string
  abstract readonly doc: string
  /** The plugin's commands, by name. */
  readonly commands: ReadonlyMap<string, BotCommand> = new Map()
  /** More lines for `!help`, for text that the plugin reacts to. */
  readonly hints: readonly string[] = []
  /** The settings and their default values. `!config` accepts no others. */
  readonly defaults: PluginConfig = {}
  protected readonly bot: PluginHost

  constructor(bot: PluginHost) {
    this.bot = bot
  }

  /** Handles every message; `command` is set if the message is a command. Resolves to replies. */
  async onMessage(_message: BotMessage, _command: Command | undefined): Promise<readonly string[]> {
    return []
  }
}
