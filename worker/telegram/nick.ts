// As many as Telegram allows for a first name.
const MOST = 64

/**
 * What a sender is called in the room: his username, else his first name or a group's title. Only a
 * username belongs to one alone. Line ends and signs that do not show could forge a line of what
 * the bot says, and become blanks; of a name that does not show at all, the id is left.
 */
export function nickOf(id: number, sender: Readonly<Record<string, unknown>>): string {
  const { username, first_name: firstName, title } = sender
  for (const name of [username, firstName, title]) {
    if (typeof name !== 'string') continue
    const shown = name
      .replace(/[\s\p{C}\p{Default_Ignorable_Code_Point}]+/gu, ' ')
      .trim()
      .slice(0, MOST)
    if (shown !== '') return shown.toWellFormed()
  }
  return String(id)
}
