import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type MemoryBot, startMemoryBot } from './support/memory-bot.ts'
import { cli } from './support/run-cli.ts'
import { clear, ENTRIES, readEntries, store } from './support/storage-values.ts'

let bot: MemoryBot
let folder: string
let file: string

beforeAll(async () => {
  bot = await startMemoryBot()
})

afterAll(() => bot.stop())

beforeEach(async () => {
  await clear(bot.runtime)
  await store(bot.runtime, ENTRIES)
  folder = await mkdtemp(join(tmpdir(), 'botshelf-cli-'))
  file = join(folder, 'bot.jsonl')
  return () => rm(folder, { recursive: true })
})

test('a terminal shows a bar with the number of entries, the rate and the time left', async () => {
  const { exitCode, stdout, stderr } = await cli(['backup', file, '--url', bot.url], {
    terminal: true,
  })
  expect([exitCode, stdout]).toEqual([0, ''])
  const [first = '', ...rest] = stderr.split('\r\u{1b}[K').slice(1)
  expect(first).toMatch(/^Backing up \[#{10}-{14}\] 200 of 500 entries, [\d,]+\/s, \d+ s left$/)
  expect(rest.at(-1)).toBe(`500 entries of ${bot.url} are in ${file}.\n`)
})

test('the bar is cut to the width of the terminal', async () => {
  const options = { terminal: true, columns: 40 }
  const { stderr } = await cli(['backup', file, '--url', bot.url], options)
  const [first = ''] = stderr.split('\r\u{1b}[K').slice(1)
  expect(first).toBe('Backing up [##########--------------] 2')
})

test.each([
  ['y', 0, 500],
  ['n', 130, 0],
  ['\u0003', 130, 0],
])('a terminal is asked before a restore; %j', async (answer, expected, count) => {
  await writeFile(file, (await cli(['backup', '--url', bot.url])).stdout)
  await clear(bot.runtime)
  const { exitCode, stderr } = await cli(['restore', file, '--url', bot.url], {
    terminal: true,
    stdin: answer,
  })
  expect(stderr).toContain('Karma: 250 entries added, 0 changed, 0 removed, 0 the same\n')
  expect(exitCode).toBe(expected)
  expect(await readEntries(bot.runtime)).toHaveLength(count)
})

test('a terminal is not asked if there is nothing to change', async () => {
  await writeFile(file, (await cli(['backup', '--url', bot.url])).stdout)
  const before = bot.requests.length
  const { exitCode, stderr } = await cli(['restore', file, '--url', bot.url], { terminal: true })
  expect([exitCode, stderr.split('\n').at(-2)]).toEqual([0, 'There is nothing to change.'])
  expect(bot.requests.slice(before).filter((request) => request.startsWith('POST'))).toEqual([])
})
