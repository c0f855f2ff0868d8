// karma.ts
import { StoreMixin } from 'botshelf'

/** The base class of this bot's plugins. */
class BotPlugin {
  readonly name = 'karma'
}

export class Karma extends StoreMixin<Record<string, number>>()(BotPlugin) {
  async praise(nick: string): Promise<number | undefined> {
    return this.update(nick, (n = 0) => n + 1)
  }
}
