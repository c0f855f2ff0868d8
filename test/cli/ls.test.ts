import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MemoryBot, startMemoryBot } from './support/memory-bot.ts'
import { cli } from './support/run-cli.ts'

let bot: MemoryBot

beforeAll(async () => {
  bot = await startMemoryBot()
  await (await bot.runtime.open<Record<string, number>>('Karma')).setMany({ ann: 1, ben: 2 })
  await (await bot.runtime.open<Record<string, string>>('Factoids')).set('coffee', 'black')
})

afterAll(() => bot.stop())

test('ls prints the namespaces with the number of entries of each', async () => {
  expect(await cli(['ls', '--url', bot.url])).toEqual({
    exitCode: 0,
    stdout: '1  Factoids\n2  Karma\n',
    stderr: '',
  })
  const json = await cli(['ls', '--url', bot.url, '--json'])
  expect(JSON.parse(json.stdout)).toEqual({ Factoids: 1, Karma: 2 })
})

test('a command that does not exist is answered with the nearest one, and exit code 2', async () => {
  const { exitCode, stdout, stderr } = await cli(['lss'])
  expect([exitCode, stdout]).toEqual([2, ''])
  expect(stderr).toContain('Did you mean ls?')
})
