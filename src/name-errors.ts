// The ends of error messages about a name that is not one of several.

import { quote } from './errors.ts'

/**
 * Formats the rest of a sentence whose subject is a setting: which names it may have.
 *
 * @param kind what the received name leads to: a clause after a comma
 */
export function mustBeOneOf(names: readonly string[], received: unknown, kind = ''): string {
  return `must be one of ${names.map(quote).join(', ')}; received ${quote(received)}${kind}.${suggestName(received, names)}`
}

/** Formats the message for an option that does not exist. `path` is the name of all options. */
export function unknownOption(path: string, name: string, names: readonly string[]): string {
  return `${path}.${name} is not an option here; the options are ${names.join(', ')}. Correct or remove it.${suggestName(name, names)}`
}

/**
 * Suggests the most similar name: a sentence after a space, or nothing. It is the name with the most
 * letter pairs in common, if its Dice coefficient is at least 0.4.
 */
function suggestName(name: unknown, names: readonly string[]): string {
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
