// Reads Python literals, as `repr()` writes them, as data. Nothing is executed.
import { readDate } from './python-date.ts'
import { readNumber } from './python-number.ts'
import { readString } from './python-string.ts'
import { Scanner, type TextPosition } from './scanner.ts'

/** The deepest nesting of a literal. Python's own parser refuses about 200 levels of brackets. */
const MAX_DEPTH = 500

/**
 * Reads a text that is one Python literal, as data: dict, list, tuple, set, frozenset, str, bytes, int,
 * float, None, True, False, `datetime.datetime(...)` and `datetime.date(...)`.
 *
 * A dict becomes an object if all of its keys are strings other than `__proto__`, else a `Map`; a list and
 * a tuple an array; a set a `Set`; bytes a `Uint8Array`; an int a number, or a bigint if a number cannot
 * hold it; a date a `Date`, whose time is UTC unless it has a time zone.
 *
 * @param start where the text begins in its file, for errors
 * @throws PythonLiteralError with line and column, for anything else
 *
 * @example
 * readLiteral("{'karma': {'ann': 3}, 'tags': ('a', 'b')}") // { karma: { ann: 3 }, tags: ['a', 'b'] }
 */
export function readLiteral(text: string, start: TextPosition = { line: 1, column: 1 }): unknown {
  const scanner = new Scanner(text, start)
  scanner.skipSpace()
  const value = readValue(scanner, 1)
  scanner.skipSpace()
  if (scanner.position === text.length) return value
  throw scanner.error(`expected the end of the literal; received ${scanner.next()}. Remove it.`)
}

function readValue(scanner: Scanner, depth: number): unknown {
  if (depth > MAX_DEPTH) {
    throw scanner.error(`the literal is nested more than ${MAX_DEPTH} levels deep. Nest it less.`)
  }
  const start = scanner.position
  if (scanner.skip('{')) return readBraces(scanner, depth)
  if (scanner.skip('[')) return readItems(scanner, ']', depth).items
  if (scanner.skip('(')) {
    const { items, endsWithComma } = readItems(scanner, ')', depth)
    // A single value in parentheses is no tuple.
    return items.length === 1 && !endsWithComma ? items[0] : items
  }
  const simple = readString(scanner) ?? readNumber(scanner)
  if (simple !== undefined) return simple
  const name = scanner.match(/[A-Za-z_][\w.]*/y)?.[0]
  switch (name) {
    case 'None':
      return null
    case 'True':
      return true
    case 'False':
      return false
    case 'set':
    case 'frozenset':
      return readSetCall(scanner, depth)
    case 'datetime.datetime':
    case 'datetime.date':
      return readDate(scanner, name)
    default:
      scanner.position = start
      throw scanner.error(
        `expected a Python literal; received ${scanner.next()}. Replace it with a literal, or leave out its entry.`,
      )
  }
}

/** Reads a dict or a set, after its brace. */
function readBraces(scanner: Scanner, depth: number): unknown {
  const pairs: (readonly [key: unknown, value: unknown])[] = []
  const items: unknown[] = []
  while (!scanner.skip('}')) {
    const item = readValue(scanner, depth + 1)
    if (items.length === 0 && scanner.skip(':')) {
      pairs.push([item, readValue(scanner, depth + 1)])
    } else if (pairs.length === 0) {
      items.push(item)
    } else {
      throw scanner.error(
        `expected ":" and a value; received ${scanner.next()}. Write "key: value".`,
      )
    }
    scanner.skipComma('}')
  }
  return items.length > 0 ? new Set(items) : toDict(pairs)
}

interface Items {
  readonly items: readonly unknown[]
  readonly endsWithComma: boolean
}

/** Reads the items of a list or a tuple, after its bracket. */
function readItems(scanner: Scanner, close: string, depth: number): Items {
  const items: unknown[] = []
  let endsWithComma = false
  while (!scanner.skip(close)) {
    items.push(readValue(scanner, depth + 1))
    endsWithComma = scanner.skipComma(close)
  }
  return { items, endsWithComma }
}

function readSetCall(scanner: Scanner, depth: number): Set<unknown> {
  scanner.expect('(')
  if (scanner.skip(')')) return new Set()
  const items = readValue(scanner, depth + 1)
  scanner.expect(')')
  if (items instanceof Set || Array.isArray(items)) return new Set<unknown>(items)
  throw scanner.error('expected a set, a list or a tuple in the call. Write its items in brackets.')
}

function toDict(pairs: readonly (readonly [key: unknown, value: unknown])[]): unknown {
  // A store refuses an object with the key `__proto__`.
  const isObject = pairs.every(([key]) => typeof key === 'string' && key !== '__proto__')
  if (!isObject) return new Map(pairs)
  return Object.fromEntries(pairs as readonly (readonly [string, unknown])[])
}
