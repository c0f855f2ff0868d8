import type { Scanner } from './scanner.ts'

/** Matches what stands before the quote of a string. */
const PREFIX = /(?:r?b|br?|[ru])?(?=['"])/iy

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
/** The number of hexadecimal digits after each escape; `\u` and `\U` are only in text. */
const HEX_ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/** Reads a string, or several that stand one after another; `undefined` if there is none. */
export function readString(scanner: Scanner): string | Uint8Array | undefined {
  const first = scanner.match(PREFIX)?.[0]
  if (first === undefined) return undefined
  const isBytes = /b/i.test(first)
  let text = ''
  for (let prefix: string | undefined = first; prefix !== undefined;) {
    if (/b/i.test(prefix) !== isBytes) {
      throw scanner.error(
        'expected only text or only bytes side by side. Separate them by a comma.',
      )
    }
    text += readQuoted(scanner, { isRaw: /r/i.test(prefix), isBytes })
    scanner.skipSpace()
    prefix = scanner.match(PREFIX)?.[0]
  }
  return isBytes ? Uint8Array.from(text, (byte) => byte.charCodeAt(0)) : text
}

interface StringKind {
  readonly isRaw: boolean
  readonly isBytes: boolean
}

/** Reads from a quote to the same quote. Of bytes, each is a character of the result. */
function readQuoted(scanner: Scanner, { isRaw, isBytes }: StringKind): string {
  const start = scanner.position
  const quote = scanner.match(/'''|"""|'|"/y)?.[0] ?? ''
  const isLong = quote.length === 3
  let text = ''
  while (!scanner.skipExactly(quote)) {
    const isEscape = scanner.text[scanner.position] === '\\'
    if (isEscape && !isRaw) {
      text += readEscape(scanner, isBytes)
      continue
    }
    // In a raw string a backslash stays, and so does the quote after it.
    const plain = scanner.match(
      isEscape ? /\\[^]/y : isLong ? /[^\\'"]+|['"]/y : /[^\\'"\n]+|['"]/y,
    )
    if (plain === undefined) {
      throw scanner.error(`the string does not end. Close it with ${quote}.`, start)
    }
    const [characters] = plain
    const foreign = isBytes ? characters.search(/[\u0080-\uFFFF]/) : -1
    if (foreign >= 0) {
      const message = String.raw`bytes may hold ASCII only. Write \x.. instead.`
      throw scanner.error(message, plain.index + foreign)
    }
    text += characters
  }
  return text
}

function readEscape(scanner: Scanner, isBytes: boolean): string {
  const start = scanner.position
  const character = scanner.text[start + 1] ?? ''
  const simple = SIMPLE_ESCAPES[character]
  if (simple !== undefined) {
    scanner.position += 2
    return simple
  }
  if (scanner.match(/\\\r?\n/y) !== undefined) return ''
  const octal = scanner.match(/\\([0-7]{1,3})/y)?.[1]
  if (octal !== undefined) {
    // Of bytes, `Uint8Array.from` keeps the lowest 8 bits, as Python does.
    return String.fromCharCode(Number.parseInt(octal, 8))
  }
  const length = isBytes && character !== 'x' ? undefined : HEX_ESCAPES[character]
  if (length === undefined) {
    // `\N{...}` needs the names of Unicode.
    if (character === 'N' && !isBytes) {
      throw scanner.error(String.raw`\N{...} is not supported. Write \u....`)
    }
    // Python keeps a backslash that begins no escape.
    scanner.position++
    return '\\'
  }
  const digits = scanner.text.slice(start + 2, start + 2 + length)
  const code = /^[\da-f]+$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN
  if (digits.length < length || !(code <= 0x10_ff_ff)) {
    throw scanner.error(
      `expected ${length} hexadecimal digits of a character after \\${character}.`,
    )
  }
  scanner.position += 2 + length
  return String.fromCodePoint(code)
}
