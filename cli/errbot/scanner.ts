/** A place in a text. */
export interface TextPosition {
  /** Counted from 1. */
  readonly line: number
  /** In characters, counted from 1. */
  readonly column: number
}

/** Thrown for text that is not a Python literal. The message is one sentence. */
export class PythonLiteralError extends Error implements TextPosition {
  override readonly name: string = 'PythonLiteralError'
  readonly line: number
  readonly column: number

  constructor(message: string, { line, column }: TextPosition) {
    super(`Line ${line}, column ${column}: ${message}`)
    this.line = line
    this.column = column
  }
}

/** Reads a text from its start to its end. */
export class Scanner {
  readonly text: string
  /** The index of the next UTF-16 code unit. */
  position = 0
  readonly #start: TextPosition

  /** @param start where the text begins in its file, for errors */
  constructor(text: string, start: TextPosition) {
    this.text = text
    this.#start = start
  }

  /** Skips what a sticky expression matches, and returns it. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.position
    const found = pattern.exec(this.text) ?? undefined
    this.position += found?.[0].length ?? 0
    return found
  }

  /** Skips the token. Returns whether it was there. */
  skipExactly(token: string): boolean {
    if (!this.text.startsWith(token, this.position)) return false
    this.position += token.length
    return true
  }

  /** Skips the token, and the space before and after it. Returns whether the token was there. */
  skip(token: string): boolean {
    this.skipSpace()
    if (!this.skipExactly(token)) return false
    this.skipSpace()
    return true
  }

  /** Skips white space, comments and continued lines. */
  skipSpace(): void {
    this.match(/(?:\s|\\\r?\n|#[^\n]*)*/y)
  }

  /** Skips a comma, unless the closing bracket follows. Returns whether there was a comma. */
  skipComma(close: string): boolean {
    if (this.skip(',')) return true
    if (this.text.startsWith(close, this.position)) return false
    throw this.error(`expected "," or "${close}"; received ${this.next()}. Add it.`)
  }

  /** Skips the token. */
  expect(token: string): void {
    if (!this.skip(token)) {
      throw this.error(`expected "${token}"; received ${this.next()}. Add it.`)
    }
  }

  /** Returns what comes next, for a message. */
  next(): string {
    const rest = this.text.slice(this.position, this.position + 80)
    const [word = ''] = /^(?:[\w.]+|<[^>]*>|.)?/su.exec(rest) ?? []
    return word === '' ? 'the end of the text' : JSON.stringify(word)
  }

  /** Creates an error with the position. */
  error(message: string, position: number = this.position): PythonLiteralError {
    const before = this.text.slice(0, position).split('\n')
    const column = countCharacters(before.at(-1) ?? '')
    return new PythonLiteralError(message, {
      line: this.#start.line + before.length - 1,
      column: (before.length === 1 ? this.#start.column : 1) + column,
    })
  }
}

/** Counts the characters of a text as Python does: by code point. */
export function countCharacters(text: string): number {
  return Array.from(text).length
}
