// karma.ts
import { StoreMixin } from 'botshelf'

/** The base class of this bot's plugins. */
class BotPlugin {
  readonly name = 'karma'
}

export class Karma extends StoreMixin<Record<string, number>>()(BotPlugin) {
  async praise(nick: string): Promise<number> {
    return this.increment(nick)
  }
}
