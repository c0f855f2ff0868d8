import type { Command } from './call.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

/** Says what there is to say. */
export class Help extends BotPlugin {
  readonly name = 'Help'
  readonly doc = 'lists the commands'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    ['help', { usage: '!help', doc: 'this list', run: (call) => this.#list(call) }],
  ])

  async #list({ message }: Command): Promise<readonly string[]> {
    const admin = this.bot.isAdmin(message)
    const lines: string[] = []
    for (const plugin of await this.bot.active()) {
      for (const command of plugin.commands.values()) {
        if (admin || !command.admin) lines.push(`${command.usage}: ${command.doc}`)
      }
      lines.push(...plugin.hints)
    }
    return lines
  }
}
