// Control characters, invisible ones that change the direction of text or hide in it, and unpaired
// surrogates; not the joiners of emoji and of Persian. Stored names and values come from chat users, and a
// terminal would execute or reorder them.
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu

/** Replaces control characters and invisible ones with escapes of JavaScript, which JSON reads too. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) =>
    // An escape names a UTF-16 code unit.
    Array.from({ length: character.length }, (_, i) => escapeUnit(character.charCodeAt(i))).join(
      '',
    ),
  )
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** Formats a namespace or a key: as it is if it is clear where it begins and ends, otherwise as JSON. */
export function formatName(name: string): string {
  const isClear = name !== '' && !/^[\s"]|\s$|\s\s/.test(name) && escapeControls(name) === name
  return isClear ? name : toJsonText(name)
}

/** Formats plain JSON on one line, without control characters. */
export function toJsonText(value: unknown): string {
  // Outside of strings, JSON.stringify writes none of the characters that are escaped.
  return escapeControls(JSON.stringify(value))
}

/** Formats a number with separators. */
export function formatNumber(number: number): string {
  return number.toLocaleString('en')
}

/** Returns `1 entry`, or `1,250 entries`. */
export function formatCount(number: number, noun: 'entry' | 'namespace' | 'problem'): string {
  const plural = noun === 'entry' ? 'entries' : `${noun}s`
  return `${formatNumber(number)} ${number === 1 ? noun : plural}`
}
