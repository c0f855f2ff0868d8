import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { encode } from '../../src/codec.ts'
import { type SeededBot, startSeededBot } from './support/seeded-bot.ts'
import { type CliResult, cli } from './support/run-cli.ts'

let bot: SeededBot
// A time in the future, as the year 2100 begins.
const IN_2100 = 4_102_444_800_000

beforeAll(async () => {
  bot = await startSeededBot()
  await using odd = await bot.open('Odd')
  await odd.set('map', new Map([['when', new Date(0)]]))
  await odd.set('\u001B[31mred', 'a\u001B[2J\u009B\u202Eb')
  await odd.set('token', { until: 'then' }, { expires: IN_2100 })
  await odd.set('error', new TypeError('two\nlines'))
  await using plain = await bot.open('Plain')
  await plain.setMany({ 'b c': [1, { d: null }], __proto: 'é', 'ü 🤖': '' })
  await using many = await bot.open('Many')
  await many.setMany(Array.from({ length: 1_250 }, (_, n): [string, number] => [`k${n}`, n]))
})

afterAll(() => bot.stop())

let look: (...args: readonly string[]) => Promise<CliResult>
beforeEach(() => {
  look = (...args) => cli([...args, '--url', bot.url])
})

test('ls prints the namespaces with the number of entries of each', async () => {
  expect(await look('ls')).toEqual({
    exitCode: 0,
    stdout: '   2  Karma\n1250  Many\n   4  Odd\n   3  Plain\n',
    stderr: '',
  })
  const { stdout } = await look('ls', '--json')
  expect(JSON.parse(stdout)).toEqual({ Karma: 2, Many: 1250, Odd: 4, Plain: 3 })
})

test('ls of a namespace prints its keys with the start of each value, --json the bytes and the expiry', async () => {
  await using store = await bot.open('Long')
  await store.set('text', 'x'.repeat(100))
  expect((await look('ls', 'Long')).stdout).toBe(`text  "${'x'.repeat(78)}…\n`)
  await store.clear()
  const { stdout } = await look('ls', 'Odd', '--prefix', 't', '--json')
  expect(JSON.parse(stdout)).toEqual({
    token: { bytes: '2:{"until":"then"}'.length, expires: IN_2100 },
  })
})

test('get prints a value as JSON, and one that JSON cannot hold in the notation of JavaScript', async () => {
  expect(await look('get', 'Karma', 'ann')).toEqual({ exitCode: 0, stdout: '7\n', stderr: '' })
  expect((await look('get', 'Odd', 'map')).stdout).toBe(
    "Map(1) { 'when' => 1970-01-01T00:00:00.000Z }\n",
  )
  expect((await look('get', 'Odd', 'error')).stdout).toBe('[TypeError: two\\u000alines]\n')
  expect((await look('get', 'Odd', 'token')).stdout).toBe(
    '{"until":"then"}  (expires 2100-01-01T00:00:00.000Z)\n',
  )
})

test('no name and no value reaches the terminal with a control character or a change of direction', async () => {
  for (const args of [
    ['ls', 'Odd'],
    ['get', 'Odd'],
    ['get', 'Odd', '--encoded'],
    ['keys', 'Odd'],
    ['keys', 'Odd', '--json'],
    ['get', 'Odd', '\u001B[31mred', '--json'],
    ['get', 'Odd', '\u001B[31mred', '--encoded'],
    ['get', 'Odd', '\u001B[31mblue'],
    ['rm', 'Odd', '--dry-run'],
  ]) {
    const { stdout, stderr } = await look(...args)
    expect(stdout + stderr, args.join(' ')).toContain(String.raw`\u001b`)
    expect(stdout + stderr, args.join(' ')).not.toMatch(/(?!\n)[\p{Cc}\u202E]/u)
  }
})

test('get --json prints an object with every value of a namespace, also of several pages', async () => {
  const { stdout } = await look('get', 'Many', '--json')
  const values = Object.entries(JSON.parse(stdout) as Record<string, number>)
  expect(values).toHaveLength(1_250)
  expect(values.every(([key, value]) => key === `k${value}`)).toBe(true)
  expect(JSON.parse((await look('get', 'Plain', '--json')).stdout)).toEqual({
    'b c': [1, { d: null }],
    __proto: 'é',
    'ü 🤖': '',
  })
  expect((await look('get', 'Nothing', '--json')).stdout).toBe('{}\n')
})

test('get --json of a value that JSON cannot hold is an error that names --encoded, and prints no whole object', async () => {
  const one = await look('get', 'Odd', 'map', '--json')
  expect([one.exitCode, one.stdout]).toEqual([3, ''])
  expect(one.stderr).toBe(
    'botshelf: JSON cannot hold the value of "map": $ is a Map. Use --encoded, which keeps every value.\n',
  )
  const all = await look('get', 'Odd', '--json')
  expect(all.exitCode).toBe(3)
  expect(() => JSON.parse(all.stdout) as unknown).toThrow(SyntaxError)
})

test('get --encoded prints what the codec wrote', async () => {
  const encoded = encode(new Map([['when', new Date(0)]]))
  expect((await look('get', 'Odd', 'map', '--encoded')).stdout).toBe(`${encoded}\n`)
  const { stdout } = await look('get', 'Odd', '--encoded', '--prefix', 'm')
  expect(JSON.parse(stdout)).toEqual({ map: encoded })
})

test('keys lists the keys of all pages, and odd ones as JSON strings', async () => {
  expect((await look('keys', 'Karma')).stdout).toBe('ann\nben\n')
  expect((await look('keys', 'Odd')).stdout).toBe('"\\u001b[31mred"\nerror\nmap\ntoken\n')
  expect(JSON.parse((await look('keys', 'Many', '--prefix', 'k12', '--json')).stdout)).toHaveLength(
    1 + 10 + 50,
  )
})

test('a key that does not exist is exit code 6, and an empty namespace a note', async () => {
  expect(await look('get', 'Karma', 'zoe')).toEqual({
    exitCode: 6,
    stdout: '',
    stderr: 'botshelf: The namespace "Karma" has no key "zoe".\n',
  })
  expect(await look('get', 'Kamra')).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: 'Kamra has no entries.\n',
  })
})

test('Ctrl-C ends a read with exit code 130', async () => {
  const signal = AbortSignal.abort()
  const { exitCode, stderr } = await cli(['get', 'Karma', '--url', bot.url], { signal })
  expect([exitCode, stderr]).toEqual([130, 'botshelf: Interrupted.\n'])
})
