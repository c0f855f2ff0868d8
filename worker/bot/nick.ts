const LETTERS = 'A-Za-z\\[\\]\\\\`_^{|}'

/** A nick as IRC spells one: no digit and no dash at its start. A source for other expressions. */
export const NICK = `[${LETTERS}][${LETTERS}0-9-]*`

/**
 * The key of a nick: its ASCII letters in lower case, since nicks that differ only there are the
 * same nick. Nothing else is changed, whatever the nick holds.
 */
export function nickKey(nick: string): string {
  return lowerAscii(nick)
}

/** Lowers A to Z and leaves every other character alone. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
