import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli } from './support/run-cli.ts'
import { type SeededBot, startSeededBot } from './support/seeded-bot.ts'
import { temporaryFile } from './support/temporary-file.ts'

let bot: SeededBot
beforeAll(async () => {
  bot = await startSeededBot()
})
afterAll(() => bot.stop())

const deep = `{ "ann": ${'['.repeat(1_001)}${']'.repeat(1_001)} }`

test.each<[name: string, stdin: string | Uint8Array, error: string]>([
  ['nothing', '', 'The input is empty'],
  ['white space', ' \n', 'The input is empty'],
  ['no object', '[1, 2]', 'must be a JSON object with a value for each key'],
  [
    'a text without quotes',
    'seven',
    `Line 1, column 1: the input is not JSON here. A text needs double quotes, in a shell: '"text"'.`,
  ],
  ['Python', "{ 'ann': 7 }", 'Line 1, column 3: the input is not JSON here.'],
  ['a comma too many', '{\n  "ann": 7,\n}', 'Line 3, column 1: the input is not JSON here.'],
  ['a comment', '{ "ann": 7 } // karma', 'Line 1, column 14: the input is not JSON here.'],
  ['a cut object', '{ "ann": 7', 'the input is not JSON here.'],
  ['two values', '{} {}', 'Line 1, column 4: the input is not JSON here.'],
  ['a duplicate', '{ "a": 1,\n "b": 2, "a": 3 }', 'Line 2, column 10: the key "a" is a duplicate'],
  ['a duplicate inside', '{ "a": [{ "b": 1, "b": 1 }] }', 'column 19: the key "b" is a duplicate'],
  ['1e400', '{ "ann": 1e400 }', 'Line 1, column 10: the number 1e400 is too large'],
  ['an id that loses digits', '{ "ann": 9007199254740993 }', '9007199254740993 would lose digits'],
  ['-0', '{ "ann": { "b": -0 } }', 'The entry "ann": $.b is -0.'],
  ['half a character', '{ "ann": ["\\ud800"] }', 'The entry "ann": $[0] is text with an unpaired'],
  ['half a character in a key', '{ "\\ud800": 1 }', 'A key must be a string without unpaired'],
  ['__proto__', '{ "ann": { "__proto__": 1 } }', 'The entry "ann": '],
  ['1,001 levels', deep, 'The entry "ann": '],
  [
    '100,000 levels',
    `{ "ann": ${'['.repeat(1e5)}${']'.repeat(1e5)} }`,
    'nests more than 1000 levels',
  ],
  ['a cut value of 100,000 levels', `{ "ann": ${'['.repeat(1e5)}`, 'The input is not JSON.'],
  ['other bytes than UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'Standard input is not UTF-8 text.'],
])('%s is refused, and no call is made', async (_, stdin, error) => {
  const from = bot.requests.length
  for (const args of [
    ['set', 'Karma', '--yes'],
    ['merge', 'Karma', '--lists', 'append'],
  ]) {
    const { exitCode, stdout, stderr } = await cli([...args, '--url', bot.url], { stdin })
    expect([exitCode, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/^botshelf: .*\.\n$/)
    expect(stderr).toContain(error)
  }
  expect(bot.requests.slice(from)).toEqual([])
})

test.each([
  ['{ "ann": "7" }', 'The entry "ann": The value is not encoded by botshelf/codec.'],
  ['{ "ann": 7 }', 'The entry "ann": The field "value" must be a string.'],
  ['{ "ann": "99:7" }', 'The entry "ann": The value was written by a later version'],
])('%s is no object of encoded values', async (stdin, error) => {
  const args = ['merge', 'Karma', '--lists', 'append', '--encoded', '--url', bot.url]
  const { exitCode, stderr } = await cli(args, { stdin })
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining(error)])
})

test('numbers that JSON.stringify writes are read, also above 2^53', async () => {
  const numbers = [2 ** 53, 2 ** 60, 2 ** 64, -(2 ** 70), 1e21, 0.1, 1e-7, Number.MAX_VALUE]
  await using store = await bot.open('Numbers')
  await store.set('all', numbers)
  const { stdout } = await cli(['get', 'Numbers', '--json', '--url', bot.url])
  const set = await cli(['set', 'Copies', '--yes', '--url', bot.url], { stdin: stdout })
  expect(set.exitCode).toBe(0)
  expect(await bot.contents('Copies')).toEqual({ all: numbers })
  const exact = await cli(['set', 'Copies', 'exact', '1152921504606846976', '--url', bot.url])
  expect(exact.exitCode).toBe(0)
})

test('--input reads a file, so that a question can be answered', async () => {
  const input = await temporaryFile('karma.json', '{ "ann": 1 }')
  const args = ['set', 'Karma', '--input', input, '--url', bot.url]
  expect((await cli(args, { typed: 'n' })).exitCode).toBe(130)
  expect(await bot.contents('Karma')).toEqual({ ann: 7, ben: 2 })
  const { exitCode, stderr } = await cli(args, { typed: 'y' })
  expect(exitCode).toBe(0)
  expect(stderr).toMatch(/0 entries added, 1 changed, 1\s.*removed\?/s)
  expect(await bot.contents('Karma')).toEqual({ ann: 1 })
  expect(await readFile(input, 'utf8')).toBe('{ "ann": 1 }')
  const missing = await cli([...args.slice(0, 3), `${input}.no`, '--yes', '--url', bot.url])
  expect(missing.exitCode).toBe(6)
  const both = await cli(['set', 'Karma', 'ann', '1', '--input', input, '--url', bot.url])
  expect(both.exitCode).toBe(2)
})
