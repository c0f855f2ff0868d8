/** The longest message that Telegram accepts, in UTF-16 code units. */
const MAX_MESSAGE_LENGTH = 4096
/** The largest number of messages per update: a group accepts 20 per minute. */
const MAX_MESSAGES = 20
const TRUNCATED = 'This reply is longer; the rest was cut.'
// U+2800 is a Braille pattern without dots.
const INVISIBLE = /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/**
 * Joins replies with line breaks into as few messages as possible. Splits long text at a line break
 * if there is one, and never inside a character. If there are more than 20 messages, the last one
 * ends with a sentence that says so.
 */
export function splitMessages(replies: readonly string[]): readonly string[] {
  // Telegram rejects the JSON of an unpaired surrogate, which a user can make the bot repeat.
  let rest = replies.join('\n').toWellFormed()
  const messages: string[] = []
  while (rest !== '') {
    const isLast = messages.length === MAX_MESSAGES - 1 && rest.length > MAX_MESSAGE_LENGTH
    const end = splitIndex(
      rest,
      isLast ? MAX_MESSAGE_LENGTH - TRUNCATED.length - 1 : MAX_MESSAGE_LENGTH,
    )
    const message = rest.slice(0, end)
    if (isLast) return [...messages, `${message}\n${TRUNCATED}`]
    // Telegram rejects a message without visible characters.
    if (!INVISIBLE.test(message)) messages.push(message)
    rest = rest.slice(rest[end] === '\n' ? end + 1 : end)
  }
  return messages
}

/** Returns the index at which to split a text so that the first part has at most `limit` code units. */
function splitIndex(text: string, limit: number): number {
  if (text.length <= limit) return text.length
  const line = text.lastIndexOf('\n', limit)
  if (line > 0) return line
  const code = text.charCodeAt(limit - 1)
  const inPair = code >= 0xd800 && code <= 0xdbff
  return inPair ? limit - 1 : limit
}
