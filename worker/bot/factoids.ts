import { StoreMixin } from 'botshelf'
import { commandName, type Command } from './call.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

/** What is known of one name, under that name. */
export interface Factoid {
  /** How often it was asked for, whether it was known or not. */
  asked: number
  /** What was learned; absent if nothing was, or if it was forgotten. */
  text?: string
  /** The identity of who taught it. */
  by?: string
  /** When it was taught, in milliseconds since 1970. */
  at?: number
}

/** What a channel has taught the bot: `!learn nvidia = see the wiki`, then `!nvidia | nick`. */
export class Factoids extends StoreMixin<Record<string, Factoid>>()(BotPlugin) {
  readonly name = 'Factoids'
  readonly doc = 'answers !name with what it was taught'
  override readonly hints: readonly string[] = [
    '!name, !name | nick, !name > nick: a factoid, for the nick',
  ]
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'learn',
      { usage: '!learn name = text', doc: 'teach a factoid', run: (call) => this.#learn(call) },
    ],
    [
      'forget',
      { usage: '!forget name', doc: 'forget a factoid', run: (call) => this.#forget(call) },
    ],
  ])

  /** Answers a call that is no command, and counts it. */
  async recall({ name, to, mark, message }: Command): Promise<string> {
    const found = await this.update(name, (was) => ({ ...was, asked: (was?.asked ?? 0) + 1 }))
    if (found?.text === undefined) {
      return `I do not know "${name}". Teach me with: !learn ${name} = ...`
    }
    if (to === undefined) return found.text
    const nick = to.toLowerCase() === 'me' ? message.nick : to
    const answer = `${nick}: ${found.text}`
    return mark === '>' ? `${answer} (for ${nick}, from ${message.nick})` : answer
  }

  async #learn({ rest, message }: Command): Promise<string> {
    const [, word = '', text = ''] = /^([^=]*)=([^]*)$/.exec(rest) ?? []
    const name = commandName(word.trim())
    if (name === undefined || text.trim() === '') {
      return 'Say it like this: !learn name = text. A name is one word of at most 64 characters that begins with a letter or digit.'
    }
    await this.update(name, (was) => ({
      asked: was?.asked ?? 0,
      text: text.trim(),
      by: message.identity,
      at: message.at,
    }))
    return this.bot.command(name) === undefined
      ? `I will remember "${name}".`
      : `I will remember "${name}". As !${name} is a command, ask for it with: !${name} | nick`
  }

  async #forget({ rest }: Command): Promise<string> {
    const name = commandName(rest)
    if (name === undefined) return 'Say it like this: !forget name'
    let known = false
    await this.update(name, (was) => {
      known = was?.text !== undefined
      // How often it was asked for is known all the same.
      return was && { asked: was.asked }
    })
    return known ? `I forgot "${name}".` : `I do not know "${name}".`
  }
}
