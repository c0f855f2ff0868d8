const LETTERS = 'A-Za-z\\[\\]\\\\`_^{|}'

/** The source of a regular expression for an IRC nick, which begins with neither digit nor dash. */
export const NICK = `[${LETTERS}][${LETTERS}0-9-]*`

/**
 * Returns the key of a nick: the nick with its ASCII letters in lower case. Nicks that differ only in
 * the case of ASCII letters are the same nick.
 */
export function nickKey(nick: string): string {
  return lowerAscii(nick)
}

/** Converts A to Z to lower case and keeps every other character. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
