import type { Command } from './command.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

/** Lists the commands that the sender may use. */
export class Help extends BotPlugin {
  readonly name = 'Help'
  readonly doc = 'lists the commands'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    ['help', { usage: '!help', doc: 'this list', run: (command) => this.#list(command) }],
  ])

  async #list({ message }: Command): Promise<readonly string[]> {
    const isAdmin = this.bot.isAdmin(message)
    const lines: string[] = []
    for (const plugin of await this.bot.activePlugins()) {
      for (const command of plugin.commands.values()) {
        if (isAdmin || !command.admin) lines.push(`${command.usage}: ${command.doc}`)
      }
      lines.push(...plugin.hints)
    }
    return lines
  }
}
