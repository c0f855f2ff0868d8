/**
 * Suggests the most similar name, for the end of an error message: a sentence after a space, or
 * nothing. It is the name with the most letter pairs in common, if its Dice coefficient is at least
 * 0.4.
 */
export function suggestName(name: unknown, names: readonly string[]): string {
  if (typeof name !== 'string') return ''
  const ownPairs = letterPairs(name)
  const similarity = (other: string): number => {
    const pairs = letterPairs(other)
    const shared = pairs.filter((pair) => ownPairs.includes(pair))
    return (2 * shared.length) / (pairs.length + ownPairs.length)
  }
  const [best = ''] = names.toSorted((a, b) => similarity(b) - similarity(a))
  return similarity(best) >= 0.4 ? ` Did you mean "${best}"?` : ''
}

function letterPairs(name: string): string[] {
  const letters = name.toLowerCase()
  return Array.from(letters, (_, i) => letters.slice(i, i + 2))
}
