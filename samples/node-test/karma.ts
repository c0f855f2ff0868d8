// karma.ts
import { StoreMixin } from 'botshelf'
import { BotPlugin } from './bot-plugin.js'

export class Karma extends StoreMixin<Record<string, number>>()(BotPlugin) {
  async praise(nick: string): Promise<number | undefined> {
    return this.update(nick, (n = 0) => n + 1)
  }
}
// await karma.openStorage(runtime, 'Karma'); await karma.praise('ann'); await karma.closeStorage()
