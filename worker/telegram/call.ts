import type { Said } from './update.ts'

/** Words as the bot hears them. */
export interface Heard {
  readonly text: string
  /** The bot that is called by name, `!help@a_bot`; absent if none is. */
  readonly called?: {
    readonly username: string
    /** The words without the name. */
    readonly text: string
    /** Is it surely the name of a bot, if not of this one? */
    readonly bot: boolean
  }
}

/**
 * Reads Telegram's way of calling a bot. `/name` is heard as `!name`, since in a group a bot with
 * privacy mode on gets nothing else, and `/start`, the first that anybody sends, as `!help`.
 */
export function readHeard({ text, command }: Said): Heard {
  if (command > 1) {
    const [name = '', username] = text.slice(1, command).split('@')
    const heard = `!${name.toLowerCase() === 'start' ? 'help' : name}${text.slice(command)}`
    if (username === undefined) return { text: heard }
    return { text, called: { username, text: heard, bot: true } }
  }
  const [call, name, username] =
    /^!\s*([^\s|>@]+)@([A-Za-z]\w{2,31})(?=[\s|>?!.,;:]|$)/.exec(text) ?? []
  if (call === undefined || username === undefined) return { text }
  const rest = `!${name}${text.slice(call.length)}`
  // Somebody may have taught the bot what `!ubuntu@work` is; the name of a bot ends in "bot".
  return { text, called: { username, text: rest, bot: /bot$/i.test(username) } }
}

/** The words as the bot of this name hears them; `undefined` if another bot is called. */
export function heardBy(username: string | undefined, { text, called }: Heard): string | undefined {
  if (called === undefined) return text
  if (called.username.toLowerCase() === username?.toLowerCase()) return called.text
  return called.bot ? undefined : text
}
