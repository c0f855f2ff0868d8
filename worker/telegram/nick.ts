// Telegram's limit for a first name.
const MAX_NAME_LENGTH = 64
const ID_DIGITS = 4

/**
 * Returns the nick of a sender: the username, or else the name or the group's title as one word with
 * the last four digits of the id, such as `Ann-Lee-0503`. A username contains no dash, so the two
 * forms cannot be confused. Line breaks and invisible characters could forge a line of the bot; they
 * become dashes. If nothing visible is left, the nick is the id.
 */
export function telegramNick(id: number, sender: Readonly<Record<string, unknown>>): string {
  const { username, first_name: firstName, last_name: lastName, title } = sender
  if (typeof username === 'string' && /^\w{1,32}$/.test(username)) return username
  const word = [firstName, lastName, title]
    .filter((name) => typeof name === 'string')
    .join(' ')
    .replace(/[\s\p{C}\p{Default_Ignorable_Code_Point}]+/gu, ' ')
    .trim()
    .replaceAll(' ', '-')
    .slice(0, MAX_NAME_LENGTH)
    .toWellFormed()
  return word === ''
    ? String(id)
    : `${word}-${String(Math.abs(id)).padStart(ID_DIGITS, '0').slice(-ID_DIGITS)}`
}
