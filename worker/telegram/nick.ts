// As many as Telegram allows for a first name.
const MOST = 64
const TAG = 4

/**
 * What a sender is called in the room: his username. Without one it is his name or a group's title
 * as one word, with the last four digits of the id: `Ann-Lee-0503`. A username has no dash, so this
 * is nobody's, and those of one name are told apart; and it is a nick as IRC spells one, which can
 * be thanked with `++`. Line ends and signs that do not show could forge a line of what the bot
 * says, and become dashes; of a name that does not show at all, the id is left.
 */
export function nickOf(id: number, sender: Readonly<Record<string, unknown>>): string {
  const { username, first_name: firstName, last_name: lastName, title } = sender
  if (typeof username === 'string' && /^\w{1,32}$/.test(username)) return username
  const word = [firstName, lastName, title]
    .filter((name) => typeof name === 'string')
    .join(' ')
    .replace(/[\s\p{C}\p{Default_Ignorable_Code_Point}]+/gu, ' ')
    .trim()
    .replaceAll(' ', '-')
    .slice(0, MOST)
    .toWellFormed()
  return word === '' ? String(id) : `${word}-${String(Math.abs(id)).padStart(TAG, '0').slice(-TAG)}`
}
