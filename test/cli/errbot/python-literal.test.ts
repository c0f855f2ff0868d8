import { array, assert, constantFrom, jsonValue, property } from 'fast-check'
import { expect, test } from 'vitest'
import { readLiteral } from '../../../cli/errbot/python-literal.ts'
import { PythonLiteralError } from '../../../cli/errbot/scanner.ts'

// The values are those of Python 3.11: `python3 -c 'print(ascii(<literal>))'`.
test.each<[string, unknown]>([
  ['\'a\' "b"', 'ab'],
  [String.raw`'\x41\u00e9\U0001f375\101\'\\\n'`, "A\u00E9\u{1F375}A'\\\n"],
  [String.raw`'\q'`, String.raw`\q`],
  [String.raw`r'\n\''`, String.raw`\n\'`],
  ["'''a\n'b'''", "a\n'b"],
  [String.raw`'\777'`, '\u01FF'],
  [String.raw`b'\777\x00'`, Uint8Array.of(255, 0)],
  ["Rb'\\x'", Uint8Array.of(92, 120)],
  ["u''", ''],
  ['1_000', 1000],
  ['0xFF_FF', 65_535],
  ['0o17', 15],
  ['0b101', 5],
  ['00', 0],
  ['1.', 1],
  ['.5e-1', 0.05],
  ['+1', 1],
  ['-0', 0],
  ['-0.0', -0],
  ['9007199254740991', 9_007_199_254_740_991],
  ['-9007199254740991', -9_007_199_254_740_991],
  ['9007199254740992', 9_007_199_254_740_992n],
  ['-9007199254740992', -9_007_199_254_740_992n],
  ['(1)', 1],
  ['(1,)', [1]],
  ['()', []],
  ['{}', {}],
  ['{1, 2,}', new Set([1, 2])],
  ['frozenset([1])', new Set([1])],
  ["{'a': 1, 'a': 2}", { a: 2 }],
  [' [ 1 , # one\n 2 ] ', [1, 2]],
  ['datetime.datetime(1, 1, 1, 0, 0)', new Date('0001-01-01T00:00:00Z')],
  [
    "datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400), 'EST'))",
    new Date('2026-01-01T05:00:00Z'),
  ],
  ['datetime.datetime(2026, 1, 1, 0, 0, fold=1)', new Date('2026-01-01T00:00:00Z')],
])('%s is read as %o', (literal, value) => {
  expect(readLiteral(literal)).toEqual(value)
})

test.each<[string, string]>([
  ['', 'Line 1, column 1: expected a Python literal; received the end of the text.'],
  ['[1,\n 2j]', 'Line 2, column 2: a complex number cannot be stored; received "2j".'],
  ["{'a': open('x')}", 'Line 1, column 7: expected a Python literal; received "open".'],
  ['1 + 1', 'Line 1, column 3: expected the end of the literal; received "+".'],
  ['nan', 'Line 1, column 1: expected a Python literal; received "nan".'],
  ["f'{x}'", 'Line 1, column 1: expected a Python literal; received "f".'],
  ["'a", "Line 1, column 1: the string does not end. Close it with '."],
  ["'a\nb'", "Line 1, column 1: the string does not end. Close it with '."],
  ['[1 2]', 'Line 1, column 4: expected "," or "]"; received "2".'],
  ["{'a': 1, 2}", 'Line 1, column 11: expected ":" and a value; received "}".'],
  ['{1, 2: 3}', 'Line 1, column 6: expected "," or "}"; received ":".'],
  ["b'\u00E9'", 'Line 1, column 3: bytes may hold ASCII only.'],
  ["'a' b'b'", 'Line 1, column 6: expected only text or only bytes side by side.'],
  [
    String.raw`'\x4'`,
    String.raw`Line 1, column 2: expected 2 hexadecimal digits of a character after \x.`,
  ],
  [String.raw`'\U00110000'`, String.raw`Line 1, column 2: expected 8 hexadecimal digits`],
  [String.raw`'\N{DASH}'`, String.raw`Line 1, column 2: \N{...} is not supported.`],
  ['012', 'Line 1, column 1: expected a number; received "012".'],
  ['0x', 'Line 1, column 1: expected a number; received'],
  ['1e999', 'Line 1, column 1: expected a number; received "1e999".'],
  ['datetime.datetime(2026, 2, 30)', 'Line 1, column 18: expected a time that exists'],
  ['datetime.datetime(2026, 13, 1)', 'Line 1, column 18: expected a time that exists'],
  ['datetime.datetime(2026, 1, 1, 0, 60)', 'Line 1, column 18: expected a time that exists'],
  ['datetime.datetime(2026)', 'Line 1, column 18: expected datetime.datetime with numbers'],
  ['datetime.date(2026, 1, 1, 0)', 'Line 1, column 14: expected datetime.date with numbers'],
  [
    '[datetime.datetime(2026, 1, 1, tzinfo=<UTC>)]',
    'Line 1, column 19: expected datetime.datetime with numbers, and no time zone but UTC',
  ],
  ['['.repeat(600), 'Line 1, column 501: the literal is nested more than 500 levels deep.'],
])('%j is refused with its line and column', (literal, message) => {
  expect(() => readLiteral(literal)).toThrow(message)
})

const TOKENS = [
  ...Array.from('{}[](),:\'"\\br\n# 1.e-j'),
  "'''",
  '0x',
  'None',
  'set',
  'datetime.datetime',
  'tzinfo=',
  '\u{1F375}',
]

test('any text is read or refused with a position within it', () => {
  const token = constantFrom(...TOKENS)
  assert(
    property(array(token, { maxLength: 30 }), (tokens) => {
      const text = tokens.join('')
      try {
        readLiteral(text)
      } catch (error) {
        if (!(error instanceof PythonLiteralError)) throw error
        expect(error.line).toBeLessThanOrEqual(text.split('\n').length)
      }
    }),
    { numRuns: 3000 },
  )
})

test('what JSON writes is read as JSON reads it, with integers beyond 2 ** 53 - 1 as bigint', () => {
  assert(
    property(jsonValue(), (value) => {
      const json = JSON.stringify(value).replaceAll('__proto__', '__prot__')
      const python = json.replaceAll(
        /"(?:[^"\\]|\\.)*"|true|false|null/g,
        (found) => ({ true: 'True', false: 'False', null: 'None' })[found] ?? found,
      )
      expect(readLiteral(python)).toEqual(JSON.parse(json, (_key, each: unknown) => toInt(each)))
    }),
    { examples: [[-(2 ** 53)]] },
  )
})

function toInt(value: unknown): unknown {
  const isInt = typeof value === 'number' && /^-?\d+$/.test(String(value))
  return isInt && !Number.isSafeInteger(value) ? BigInt(String(value)) : value
}
