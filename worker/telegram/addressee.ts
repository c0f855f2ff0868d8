import type { TelegramMessage } from './update.ts'

/** The text of a message, and the user or bot that it addresses. */
export interface AddressedText {
  /** The text to handle: translated if there is no addressee, otherwise as it was sent. */
  readonly fullText: string
  /** The user or bot after an `@`, as in `!help@a_bot`; absent if there is none. */
  readonly addressee?: {
    readonly username: string
    /** The text without the addressee, and with a slash command translated: `!help`. */
    readonly textWithoutAddressee: string
    /** Whether the addressee is certainly a bot. */
    readonly isBot: boolean
  }
}

/**
 * Translates Telegram's commands: `/name` becomes `!name`, because a bot in privacy mode receives only
 * slash commands in a group, and `/start`, the first message of every chat, becomes `!help`.
 */
export function parseAddressedText({ text, commandLength }: TelegramMessage): AddressedText {
  if (commandLength > 1) {
    const [name = '', username] = text.slice(1, commandLength).split('@')
    const translated = `!${name.toLowerCase() === 'start' ? 'help' : name}${text.slice(commandLength)}`
    if (username === undefined) return { fullText: translated }
    return {
      fullText: text,
      addressee: { username, textWithoutAddressee: translated, isBot: true },
    }
  }
  const [call, name, username] =
    /^!\s*([^\s|>@]+)@([A-Za-z]\w{2,31})(?=[\s|>?!.,;:]|$)/.exec(text) ?? []
  if (call === undefined || username === undefined) return { fullText: text }
  const rest = `!${name}${text.slice(call.length)}`
  // `!ubuntu@work` may be the name of a factoid. The username of a bot ends in "bot".
  return {
    fullText: text,
    addressee: { username, textWithoutAddressee: rest, isBot: /bot$/i.test(username) },
  }
}

/** Returns the text for the bot with this username; `undefined` if another bot is addressed. */
export function textForBot(
  username: string | undefined,
  { fullText, addressee }: AddressedText,
): string | undefined {
  if (addressee === undefined) return fullText
  if (addressee.username.toLowerCase() === username?.toLowerCase())
    return addressee.textWithoutAddressee
  return addressee.isBot ? undefined : fullText
}
