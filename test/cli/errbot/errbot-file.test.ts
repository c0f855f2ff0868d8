import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readBackup, readStorageGet } from '../../../cli/errbot/errbot-file.ts'
import { PythonLiteralError } from '../../../cli/errbot/scanner.ts'

// Errbot 6.1.7 wrote these files: fixtures/example.py is the plugin that stored the values.
function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
}

const UTC = Date.UTC(2026, 0, 2, 3, 4, 5)
/** The values of fixtures/example.py, in JavaScript. */
const EXAMPLE = new Map<string, unknown>([
  ['text', 'it\'s "tea"\n\tand caf\u00E9 \u{1F375} \0 \uDC80'],
  ['bytes', Uint8Array.of(0, 255, 39, 34, 97, 98, 99)],
  ['numbers', [0, -1, 2 ** 53 - 1, 2n ** 53n, -(2n ** 70n), 0.1, -0, 1e300, true, false, null]],
  ['tuple', [1, ['a'], []]],
  ['sets', [new Set([1]), new Set(), new Set(), new Set(['a'])]],
  [
    'dict',
    new Map<unknown, unknown>([
      ['a', { b: [1, { c: null }] }],
      ['__proto__', 1],
    ]),
  ],
  [
    'keys that are no strings',
    new Map<unknown, unknown>([
      [1, 'one'],
      [[1, 2], 'pair'],
      [null, 'none'],
    ]),
  ],
  [
    'times',
    [
      new Date(UTC + 678),
      new Date(UTC - 5_000),
      new Date(Date.UTC(2026, 0, 2)),
      new Date(UTC),
      new Date(UTC - 7_200_000),
    ],
  ],
  ['caf\u00E9', 'key'],
])

test('what errbot --storage-get prints is read as data', () => {
  expect(readStorageGet(fixture('storage-get.txt'))).toEqual(EXAMPLE)
})

test('each plugin of backup.py is a namespace, and so are the stores of the bot', () => {
  const contents = readBackup(fixture('backup.py'), { skip: ['TextCmds'] })
  expect([...contents.keys()]).toEqual(['core', 'Example'])
  expect(contents.get('core')).toEqual(new Map([['configs', {}]]))
  expect(contents.get('Example')).toEqual(EXAMPLE)
  expect(readBackup(fixture('backup.py'), { only: ['Example'] })).toEqual(
    new Map([['Example', EXAMPLE]]),
  )
})

test('a value of backup.py that is no literal is refused with its line and column', () => {
  // Errbot stored an object of the text backend, and wrote its repr().
  expect(() => readBackup(fixture('backup.py'))).toThrow(
    'Line 31, column 16: expected a Python literal; received "<errbot.backends.text.TextPerson object at 0x7fe9e5293190>"',
  )
})

test.each([
  ['import os', 1],
  ['## x\npobj["a"] = 1', 2],
  ['pobj = bot.plugin_manager.plugins["P"]\npobj["a"] = 1; import os', 2],
  ['pobj = bot.plugin_manager.plugins["P"]\npobj["a"', 2],
])('the backup %j is refused in line %i', (text, line) => {
  let error: unknown
  try {
    readBackup(text)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(PythonLiteralError)
  expect(error).toMatchObject({ line })
})

test('a key of backup.py may hold what ends a key', () => {
  const text = 'pobj = bot.plugin_manager.plugins["P"]\npobj["a"] = b"] = \'v\''
  expect(readBackup(text)).toEqual(new Map([['P', new Map([['a"] = b', 'v']])]]))
})

test('a key of backup.py that can be read in two ways is refused', () => {
  const text = 'pobj = bot.plugin_manager.plugins["P"]\npobj["a"] = 1 # "] = 2'
  expect(() => readBackup(text)).toThrow('Line 2, column 1: the key of this entry')
})

test('a key of a storage may be __proto__', () => {
  expect(readStorageGet("{'__proto__': 1}")).toEqual(new Map([['__proto__', 1]]))
})

test.each([['[1]'], ["{1: 'one'}"], ['{1}'], ['None']])(
  'a storage that is not a dict with string keys is refused: %s',
  (text) => {
    expect(() => readStorageGet(text)).toThrow('expected a dict whose keys are strings')
  },
)

// Users of a chat choose values, so one of them must not keep the command busy for minutes.
test('a value of backup.py may hold what ends a key 20,000 times', () => {
  const value = 'x"] = '.repeat(20_000)
  const text = `pobj = bot.plugin_manager.plugins["P"]\npobj["a"] = '${value}'`
  expect(readBackup(text)).toEqual(new Map([['P', new Map([['a', value]])]]))
})
