/** The longest message that Telegram takes, in characters. */
const LONGEST = 4096
/** The most messages that answer one update: a group takes no more within a minute. */
const MOST = 20
const CUT = 'This answer is longer; the rest was cut.'
// U+2800 is Braille without a dot.
const SHOWS_NOTHING = /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/**
 * Joins replies by line ends into as few messages as Telegram takes them, and cuts what is too
 * long: at a line end where there is one, and never inside a character. Of more than 20 messages
 * the last ends with a sentence that says so.
 */
export function splitMessages(replies: readonly string[]): readonly string[] {
  // Half a character, which a user can make the bot repeat, would be no JSON to Telegram.
  let rest = replies.join('\n').toWellFormed()
  const messages: string[] = []
  while (rest !== '') {
    const isLast = messages.length === MOST - 1 && rest.length > LONGEST
    const end = endOf(rest, isLast ? LONGEST - CUT.length - 1 : LONGEST)
    const message = rest.slice(0, end)
    if (isLast) return [...messages, `${message}\n${CUT}`]
    // Telegram refuses a message that shows nothing.
    if (!SHOWS_NOTHING.test(message)) messages.push(message)
    rest = rest.slice(rest[end] === '\n' ? end + 1 : end)
  }
  return messages
}

/** Where a message of at most `most` characters ends. */
function endOf(text: string, most: number): number {
  if (text.length <= most) return text.length
  const line = text.lastIndexOf('\n', most)
  if (line > 0) return line
  const code = text.charCodeAt(most - 1)
  const inPair = code >= 0xd800 && code <= 0xdbff
  return inPair ? most - 1 : most
}
