const DEEPEST = 8

/** A value as people read it, on one line, or indented; cut off with a `…` after `most` characters. */
export function showValue(value: unknown, most: number, indented = false): string {
  const text = new Printer(most, indented).print(value, 0)
  return text.length > most ? `${text.slice(0, most)}…` : text
}

class Printer {
  readonly #indented: boolean
  readonly #within = new Set<object>()
  #left: number

  constructor(most: number, indented: boolean) {
    this.#left = most
    this.#indented = indented
  }

  print(value: unknown, depth: number): string {
    // What would be cut off is not made in the first place.
    if (this.#left < 0) return ''
    if (typeof value !== 'object' || value === null) return this.#spend(showPrimitive(value))
    if (this.#within.has(value)) return this.#spend('↻')
    if (depth > DEEPEST) return this.#spend('…')
    this.#within.add(value)
    const text = this.#object(value, depth)
    this.#within.delete(value)
    return text
  }

  #object(value: object, depth: number): string {
    if (Array.isArray(value)) return this.#list('[', value, ']', depth)
    if (value instanceof Map) {
      return this.#join('Map {', value, '}', depth, ([key, each]) => {
        return `${this.print(key, depth + 1)} → ${this.print(each, depth + 1)}`
      })
    }
    if (value instanceof Set) return this.#list('Set {', value, '}', depth)
    if (value instanceof Date) {
      return this.#spend(Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString())
    }
    if (value instanceof RegExp || value instanceof Error) return this.#spend(String(value))
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      return this.#spend(`${value.constructor.name} (${value.byteLength} bytes)`)
    }
    return this.#join('{', Object.entries(value), '}', depth, ([key, each]) => {
      return `${this.#spend(showName(key))}: ${this.print(each, depth + 1)}`
    })
  }

  #list(open: string, values: Iterable<unknown>, close: string, depth: number): string {
    return this.#join(open, values, close, depth, (each) => this.print(each, depth + 1))
  }

  #join<V>(
    open: string,
    values: Iterable<V>,
    close: string,
    depth: number,
    show: (value: V) => string,
  ): string {
    const parts: string[] = []
    for (const value of values) {
      if (this.#left < 0) break
      parts.push(show(value))
    }
    if (parts.length === 0) return this.#spend(open + close)
    this.#left -= 2 * parts.length
    if (this.#indented) {
      const indent = '\n' + '  '.repeat(depth)
      return `${open}${indent}  ${parts.join(`,${indent}  `)}${indent}${close}`
    }
    const gap = open === '[' ? '' : ' '
    return `${open}${gap}${parts.join(', ')}${gap}${close}`
  }

  #spend(text: string): string {
    this.#left -= text.length
    return text
  }
}

function showPrimitive(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  return Object.is(value, -0) ? '-0' : String(value)
}

function showName(name: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name)
}
