const MOST_CHARACTERS = 60

/** A name as an error shows it: in quotes, and cut, since anybody may have made it. */
export function quoteName(name: unknown): string {
  if (typeof name !== 'string') return String(name)
  const isLong = name.length > MOST_CHARACTERS
  return JSON.stringify(isLong ? `${name.slice(0, MOST_CHARACTERS - 3)}...` : name)
}
