import { StoreMixin } from 'botshelf'
import { parseName, type Command } from './command.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

/** A factoid, stored under its name. */
export interface Factoid {
  /** How often it was requested, known or not. */
  asked: number
  /** The text; absent if it was never taught or was forgotten. */
  text?: string
  /** The identity of the user who taught it. */
  by?: string
  /** When it was taught, in milliseconds since 1970. */
  at?: number
}

/** Stores facts that users teach: `!learn nvidia = see the wiki`, then `!nvidia | nick`. */
export class Factoids extends StoreMixin<Record<string, Factoid>>()(BotPlugin) {
  readonly name = 'Factoids'
  readonly doc = 'answers !name with the text it was taught'
  override readonly hints: readonly string[] = [
    '!name, !name | nick, !name > nick: show a factoid, addressed to the nick',
  ]
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'learn',
      {
        usage: '!learn name = text',
        doc: 'teach a factoid',
        run: (command) => this.#learn(command),
      },
    ],
    [
      'forget',
      { usage: '!forget name', doc: 'forget a factoid', run: (command) => this.#forget(command) },
    ],
  ])

  /** Answers with a factoid and counts the request. */
  async recall({ name, addressee, separator, message }: Command): Promise<string> {
    const found = await this.update(name, (was) => ({ ...was, asked: (was?.asked ?? 0) + 1 }))
    if (found?.text === undefined) {
      return `I do not know "${name}". Teach me with: !learn ${name} = ...`
    }
    if (addressee === undefined) return found.text
    const nick = addressee.toLowerCase() === 'me' ? message.nick : addressee
    const answer = `${nick}: ${found.text}`
    return separator === '>' ? `${answer} (for ${nick}, from ${message.nick})` : answer
  }

  async #learn({ argument, message }: Command): Promise<string> {
    const [, word = '', text = ''] = /^([^=]*)=([^]*)$/.exec(argument) ?? []
    const name = parseName(word.trim())
    if (name === undefined || text.trim() === '') {
      return 'Usage: !learn name = text. A name is one word of at most 64 characters that begins with a letter or digit.'
    }
    await this.update(name, (was) => ({
      asked: was?.asked ?? 0,
      text: text.trim(),
      by: message.identity,
      at: message.at,
    }))
    return this.bot.findCommand(name) === undefined
      ? `I will remember "${name}".`
      : `I will remember "${name}". !${name} is a command, so ask for the factoid with: !${name} | nick`
  }

  async #forget({ argument }: Command): Promise<string> {
    const name = parseName(argument)
    if (name === undefined) return 'Usage: !forget name'
    let wasKnown = false
    await this.update(name, (was) => {
      wasKnown = was?.text !== undefined
      // The request count stays.
      return was && { asked: was.asked }
    })
    return wasKnown ? `I forgot "${name}".` : `I do not know "${name}".`
  }
}
