import { StoreMixin } from 'botshelf'
import type { Command } from './call.ts'
import type { BotMessage } from './message.ts'
import { NICK, nickKey } from './nick.ts'
import { oneLine } from './one-line.ts'
import { type BotCommand, BotPlugin, type PluginConfig, type PluginHost } from './plugin.ts'

/** One nick raised or lowered in a message. */
export interface KarmaMark {
  readonly nick: string
  readonly sign: 1 | -1
}

/** How many nicks a message can raise or lower. */
const MOST_MARKS = 5
const MARK = new RegExp(`^["'(]*(${NICK})(\\+\\+|--)[.,;:!?)"']*$`)
// `libc++`, `libstdc++`, `visual-c++`: software has no feelings. Nor have these.
const LIBRARY = /^lib.*c$|-c$/i
const PROGRAMS: ReadonlySet<string> = new Set(['clang', 'gcc', 'notepad', 'turboc', 'vc'])

/**
 * Finds `nick++` and `nick--`. The rule, word by word (a word ends at a blank):
 *
 * 1. The word is a nick as IRC spells it, of at least 2 characters, then `++` or `--`; quotes and
 *    `(` may stand before it, and any of `.,;:!?)"'` after it. So `c++` is too short, and
 *    `C/C++` and `a--b` are no such words. Before `--` the nick does not end in a dash: `well---`.
 * 2. The first word of a message with a `:` after it addresses somebody: `ben--: yes`.
 * 3. `lib...c++`, `...-c++`, `clang++`, `gcc++`, `notepad++`, `turboc++` and `vc++` are software.
 *
 * A nick counts once a message, by its first mark, and a message has the first 5 nicks at most.
 */
export function findMarks(text: string): KarmaMark[] {
  const marks = new Map<string, KarmaMark>()
  const words = text.trim().split(/\s+/)
  for (const [index, word] of words.entries()) {
    if (index === 0 && word.endsWith(':')) continue
    const [, nick = '', sign] = MARK.exec(word) ?? []
    if (nick.length < 2 || (sign === '--' && nick.endsWith('-'))) continue
    if (LIBRARY.test(nick) || PROGRAMS.has(nickKey(nick))) continue
    const key = nickKey(nick)
    if (!marks.has(key) && marks.size < MOST_MARKS)
      marks.set(key, { nick, sign: sign === '++' ? 1 : -1 })
  }
  return [...marks.values()]
}

/** Counts thanks: `nick++` and `nick--`, one entry a nick. */
export class Karma extends StoreMixin<Record<string, number>>()(BotPlugin) {
  readonly name = 'Karma'
  readonly doc = 'counts nick++ and nick--'
  override readonly hints: readonly string[] = ['nick++ and nick--: thanks, and the opposite']
  override readonly defaults: PluginConfig = { step: 1 }
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    ['karma', { usage: '!karma nick', doc: 'how much karma', run: (call) => this.#show(call) }],
  ])
  readonly #isNick: (word: string) => Promise<boolean>

  /** `isNick` tells whether somebody goes by exactly this name. */
  constructor(bot: PluginHost, isNick: (word: string) => Promise<boolean>) {
    super(bot)
    this.#isNick = isNick
  }

  override async hear(message: BotMessage, call: Command | undefined): Promise<readonly string[]> {
    if (call !== undefined || message.kind === 'nick') return []
    const replies: string[] = []
    const marks = findMarks(message.text)
    if (marks.length === 0) return replies
    const { step } = await this.bot.manager.config(this)
    for (const { nick, sign } of marks) {
      // There are people called `ben--`: their name lowers nobody. No nick of IRC holds a plus.
      if (sign < 0 && (await this.#isNick(`${nick}--`))) continue
      if (sign > 0 && nickKey(nick) === nickKey(message.nick)) {
        replies.push(`${message.nick}: nobody raises his own karma.`)
        continue
      }
      const karma = await this.update(nickKey(nick), (was = 0) => was + sign * Number(step))
      replies.push(`${nick} has ${karma} karma.`)
    }
    return replies
  }

  async #show({ rest }: Command): Promise<string> {
    if (rest === '') return 'Say it like this: !karma nick'
    return oneLine(`${rest} has ${(await this.get(nickKey(rest))) ?? 0} karma.`)
  }
}
