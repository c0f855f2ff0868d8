import { StoreMixin } from 'botshelf'
import type { Command } from './command.ts'
import { type BotMessage, toSingleLine } from './message.ts'
import { NICK, nickKey } from './nick.ts'
import { type BotCommand, BotPlugin, type PluginConfig, type PluginHost } from './plugin.ts'

/** A `nick++` or `nick--` in a message. */
export interface KarmaMark {
  readonly nick: string
  readonly sign: 1 | -1
}

const MAX_MARKS_PER_MESSAGE = 5
const MARK = new RegExp(`^["'(]*(${NICK})(\\+\\+|--)[.,;:!?)"']*$`)
// `libc++`, `libstdc++`, `visual-c++` and the programs below are names of software, not votes.
const LIBRARY = /^lib.*c$|-c$/i
const PROGRAMS: ReadonlySet<string> = new Set(['clang', 'gcc', 'notepad', 'turboc', 'vc'])

/**
 * Finds `nick++` and `nick--`. The rules, for each word between spaces:
 *
 * 1. The word is an IRC nick of at least 2 characters followed by `++` or `--`. Quotes and `(` may
 *    precede it; any of `.,;:!?)"'` may follow it. So `c++` is too short, and `C/C++` and `a--b` do not
 *    match. A nick before `--` does not end in a dash: `well---` does not match.
 * 2. A first word that ends in `:` addresses a user and does not count: `ben--: yes`.
 * 3. `lib...c++`, `...-c++`, `clang++`, `gcc++`, `notepad++`, `turboc++` and `vc++` are software.
 *
 * Each nick counts once per message, by its first mark. Only the first 5 nicks count.
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
    if (!marks.has(key) && marks.size < MAX_MARKS_PER_MESSAGE)
      marks.set(key, { nick, sign: sign === '++' ? 1 : -1 })
  }
  return [...marks.values()]
}

/** Counts `nick++` and `nick--`, one entry per nick. */
export class Karma extends StoreMixin<Record<string, number>>()(BotPlugin) {
  readonly name = 'Karma'
  readonly doc = 'counts nick++ and nick--'
  override readonly hints: readonly string[] = [
    'nick++, nick--: raise or lower the karma of a nick',
  ]
  override readonly defaults: PluginConfig = { step: 1 }
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'karma',
      {
        usage: '!karma nick',
        doc: 'show the karma of a nick',
        run: (command) => this.#show(command),
      },
    ],
  ])
  readonly #isKnownNick: (word: string) => Promise<boolean>

  /** @param isKnownNick resolves to whether a user with exactly this nick was seen */
  constructor(bot: PluginHost, isKnownNick: (word: string) => Promise<boolean>) {
    super(bot)
    this.#isKnownNick = isKnownNick
  }

  override async onMessage(
    message: BotMessage,
    command: Command | undefined,
  ): Promise<readonly string[]> {
    if (command !== undefined || message.kind === 'nick') return []
    const replies: string[] = []
    const marks = findMarks(message.text)
    if (marks.length === 0) return replies
    const { step } = await this.bot.manager.config(this)
    for (const { nick, sign } of marks) {
      // A user may be called `ben--`; their name is not a vote. No IRC nick contains a plus.
      if (sign < 0 && (await this.#isKnownNick(`${nick}--`))) continue
      if (sign > 0 && nickKey(nick) === nickKey(message.nick)) {
        replies.push(`${message.nick}: you cannot raise your own karma.`)
        continue
      }
      const karma = await this.increment(nickKey(nick), sign * Number(step))
      replies.push(`${nick} has ${karma} karma.`)
    }
    return replies
  }

  async #show({ argument }: Command): Promise<string> {
    if (argument === '') return 'Usage: !karma nick'
    return toSingleLine(`${argument} has ${(await this.get(nickKey(argument))) ?? 0} karma.`)
  }
}
