import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpError } from '../../src/admin/index.ts'
import { cli } from './support/run-cli.ts'
import { type SeededBot, startSeededBot } from './support/seeded-bot.ts'

let bot: SeededBot
let failsAfter = Number.POSITIVE_INFINITY
let status = 500
let changes = 0

beforeAll(async () => {
  bot = await startSeededBot({
    limit({ method }) {
      if (method === 'GET') return
      changes++
      if (changes > failsAfter) throw new HttpError(status, 'The disk is on fire.')
    },
  })
})
afterAll(() => bot.stop())

const INPUT = JSON.stringify(
  Object.fromEntries(Array.from({ length: 450 }, (_, n) => [`k${n}`, n])),
)

interface Fault {
  /** How many calls that change entries succeed. */
  readonly after?: number
  readonly status?: number
}

async function run(
  args: readonly string[],
  fault: Fault = {},
  stdin = INPUT,
): ReturnType<typeof cli> {
  ;({ after: failsAfter = Number.POSITIVE_INFINITY, status = 500 } = fault)
  changes = 0
  return cli([...args, '--url', bot.url], { stdin })
}

test('more than 200 entries are set, merged and removed in several calls', async () => {
  expect((await run(['set', 'Many', '--yes'])).exitCode).toBe(0)
  expect([changes, Object.keys(await bot.contents('Many')).length]).toEqual([3, 450])
  expect((await run(['merge', 'Many', '--lists', 'replace'])).exitCode).toBe(0)
  expect(changes).toBe(3)
  expect((await run(['rm', 'Many', '--yes'])).exitCode).toBe(0)
  expect([changes, await bot.contents('Many')]).toEqual([3, {}])
})

test('entries of more than 1 MiB are sent in several calls', async () => {
  const large = JSON.stringify({ a: 'x'.repeat(700_000), b: 'y'.repeat(700_000) })
  expect((await run(['set', 'Large', '--yes'], {}, large)).exitCode).toBe(0)
  expect(changes).toBe(2)
})

test('an entry that no call can hold is refused before the first change', async () => {
  const large = JSON.stringify({ a: 1, b: 'x'.repeat(16_800_000) })
  const { exitCode, stderr } = await run(['merge', 'Huge', '--lists', 'append'], {}, large)
  expect([exitCode, changes]).toEqual([3, 0])
  expect(stderr).toContain('The entry "b": it is too large')
})

test.each([
  [
    ['set', 'A', '--yes'],
    { after: 1, status: 500 },
    '200 of 450 changes were made, and up to 200 more may have been made. Repeat the command to make all of them.',
  ],
  [
    ['merge', 'B', '--lists', 'append'],
    { after: 1, status: 500 },
    '200 of 450 changes were made, and up to 200 more may have been made. Look at the entries before you repeat the command, because it would append again.',
  ],
  [
    ['merge', 'C', '--lists', 'replace'],
    { after: 2, status: 400 },
    '400 of 450 changes were made. Repeat the command to make all of them.',
  ],
  [['set', 'D', '--yes'], { after: 0, status: 400 }, 'Nothing was changed.'],
])('%j that fails says how much was changed', async (args, fault, sentence) => {
  const { exitCode, stderr } = await run(args, fault)
  expect([exitCode, stderr]).toEqual([7, `botshelf: The disk is on fire. ${sentence}\n`])
})

test('Ctrl-C between two calls says how much was changed', async () => {
  const interrupt = new AbortController()
  const namespace = 'Interrupted'
  changes = 0
  failsAfter = Number.POSITIVE_INFINITY
  const stop = setInterval(() => {
    if (changes > 0) interrupt.abort()
  }, 1)
  const { exitCode, stderr } = await cli(['set', namespace, '--yes', '--url', bot.url], {
    stdin: JSON.stringify(
      Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`k${n}`, n])),
    ),
    signal: interrupt.signal,
  })
  clearInterval(stop)
  const stored = Object.keys(await bot.contents(namespace)).length
  expect(stored).toBeGreaterThan(0)
  expect([exitCode, stderr]).toEqual([
    130,
    `botshelf: Interrupted. ${stored} of 4000 changes were made. Repeat the command to make all of them.\n`,
  ])
})
