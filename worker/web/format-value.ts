const MAX_DEPTH = 8
/** The names of properties that hold a time in milliseconds since 1970. */
const TIME_NAME = /^(?:at|time|expires)$|At$/
const MIN_TIME = Date.UTC(2000, 0)
const MAX_TIME = Date.UTC(2200, 0)

/** Options of {@link formatValue}. */
export interface FormatOptions {
  /** The text is cut off after so many characters, and then ends with `…`. */
  readonly maxLength: number
  /** Puts every member on a line of its own. Default: false. */
  readonly indent?: boolean
}

/**
 * Formats a stored value for people to read. Shows `↻` for a reference to an enclosing object, and a
 * number as a time if its property is named so, such as `at`.
 */
export function formatValue(value: unknown, { maxLength, indent = false }: FormatOptions): string {
  const text = new Formatter(maxLength, indent).format(value, 0)
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
}

class Formatter {
  readonly #indent: boolean
  readonly #ancestors = new Set<object>()
  #charactersLeft: number

  constructor(maxLength: number, indent: boolean) {
    this.#charactersLeft = maxLength
    this.#indent = indent
  }

  format(value: unknown, depth: number): string {
    // Do not format what would be cut off: a value can be megabytes.
    if (this.#charactersLeft < 0) return ''
    if (typeof value !== 'object' || value === null) return this.#take(formatPrimitive(value))
    if (this.#ancestors.has(value)) return this.#take('↻')
    if (depth > MAX_DEPTH) return this.#take('…')
    this.#ancestors.add(value)
    const text = this.#formatObject(value, depth)
    this.#ancestors.delete(value)
    return text
  }

  #formatObject(value: object, depth: number): string {
    if (Array.isArray(value)) return this.#formatList('[', value, ']', depth)
    if (value instanceof Map) {
      return this.#join('Map {', value, '}', depth, ([key, each]) => {
        return `${this.format(key, depth + 1)} → ${this.format(each, depth + 1)}`
      })
    }
    if (value instanceof Set) return this.#formatList('Set {', value, '}', depth)
    if (value instanceof Date) {
      return this.#take(Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString())
    }
    if (value instanceof RegExp || value instanceof Error) return this.#take(String(value))
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      return this.#take(`${value.constructor.name} (${value.byteLength} bytes)`)
    }
    return this.#join('{', Object.entries(value), '}', depth, ([key, each]) => {
      const text = isTime(key, each) ? this.#take(formatTime(each)) : this.format(each, depth + 1)
      return `${this.#take(formatName(key))}: ${text}`
    })
  }

  #formatList(open: string, values: Iterable<unknown>, close: string, depth: number): string {
    return this.#join(open, values, close, depth, (each) => this.format(each, depth + 1))
  }

  #join<V>(
    open: string,
    values: Iterable<V>,
    close: string,
    depth: number,
    formatMember: (value: V) => string,
  ): string {
    const parts: string[] = []
    for (const value of values) {
      if (this.#charactersLeft < 0) break
      parts.push(formatMember(value))
    }
    if (parts.length === 0) return this.#take(open + close)
    this.#charactersLeft -= 2 * parts.length
    if (this.#indent) {
      const newline = '\n' + '  '.repeat(depth)
      return `${open}${newline}  ${parts.join(`,${newline}  `)}${newline}${close}`
    }
    const gap = open === '[' ? '' : ' '
    return `${open}${gap}${parts.join(', ')}${gap}${close}`
  }

  /** Counts the text against the limit, and returns it. */
  #take(text: string): string {
    this.#charactersLeft -= text.length
    return text
  }
}

function formatPrimitive(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  return Object.is(value, -0) ? '-0' : String(value)
}

function isTime(name: string, value: unknown): value is number {
  return typeof value === 'number' && value >= MIN_TIME && value < MAX_TIME && TIME_NAME.test(name)
}

/** Formats a time as `2026-01-31 23:59:59 UTC`. */
function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function formatName(name: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name)
}
