import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { TOKEN } from './support/memory-bot.ts'
import { type CliOptions, type CliResult, cli } from './support/run-cli.ts'
import { type SeededBot, startSeededBot } from './support/seeded-bot.ts'

let bot: SeededBot

beforeAll(async () => {
  bot = await startSeededBot({ excludedNamespaces: ['Telegram'] })
})
afterAll(() => bot.stop())

beforeEach(async () => {
  await using karma = await bot.open('Karma')
  await karma.clear()
  await karma.setMany({ ann: 7, ben: 2 })
})

function change(args: readonly string[], options?: CliOptions): Promise<CliResult> {
  return cli([...args, '--url', bot.url], options)
}

const changesSince = (from: number): readonly string[] =>
  bot.requests.slice(from).filter((request) => !request.startsWith('GET '))

test('set with a key sets one entry, from an argument or from standard input', async () => {
  expect(await change(['set', 'Karma', 'ann', '-8'])).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: 'Karma: 0 entries added, 1 changed, 0 removed.\n',
  })
  const json = await change(['set', 'Karma', 'carl', '--json'], { stdin: '\uFEFF{ "a": [1] }\n' })
  expect(json.stdout).toBe('{"added":1,"changed":0,"removed":0}\n')
  expect(await bot.contents('Karma')).toEqual({ ann: -8, ben: 2, carl: { a: [1] } })
})

test('set without a key makes a namespace have exactly the entries of the input', async () => {
  const { exitCode, stderr } = await change(['set', 'Karma', '--yes'], {
    stdin: '{ "ann": 8, "carl": 1 }',
  })
  expect([exitCode, stderr]).toEqual([0, 'Karma: 1 entry added, 1 changed, 1 removed.\n'])
  expect(await bot.contents('Karma')).toEqual({ ann: 8, carl: 1 })
})

test('an entry that is set expires as --ttl or --expires says, otherwise never', async () => {
  await change(['set', 'Karma', 'ann', '8', '--expires', '2100-01-01'])
  await change(['set', 'Karma', 'ben', '3', '--ttl', '2d'])
  await using karma = await bot.open('Karma')
  expect(await karma.record('ann')).toEqual({ value: 8, expires: 4_102_444_800_000 })
  const { expires = 0 } = (await karma.record('ben')) ?? {}
  expect(Math.abs(expires - Date.now() - 2 * 86_400_000)).toBeLessThan(60_000)
  await change(['set', 'Karma', 'ann', '8'])
  expect(await karma.record('ann')).toEqual({ value: 8 })
})

test.each([
  ['--ttl', '10'],
  ['--ttl', '0s'],
  ['--ttl', '-1d'],
  ['--expires', '2020-01-01'],
  ['--expires', 'tomorrow'],
  ['--expires', '2099-02-31'],
  ['--expires', '2099-02-31T12:00:00Z'],
])('%s %s is refused', async (option, value) => {
  const { exitCode, stderr } = await change(['set', 'Karma', 'ann', '8', `${option}=${value}`])
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(JSON.stringify(value))])
  expect(await bot.contents('Karma')).toEqual({ ann: 7, ben: 2 })
})

test('merge merges the input deeply, and --lists decides about lists', async () => {
  await change(['set', 'Notes', 'ann', '{ "todo": ["tea"], "mood": 1 }'])
  const stdin = '{ "ann": { "todo": ["milk"] }, "ben": 1 }'
  const appended = await change(['merge', 'Notes', '--lists', 'append'], { stdin })
  expect(appended.stderr).toBe('Notes: 2 entries merged.\n')
  expect(await bot.contents('Notes')).toEqual({ ann: { todo: ['tea', 'milk'], mood: 1 }, ben: 1 })
  await change(['merge', 'Notes', '--lists', 'replace'], { stdin })
  expect(await bot.contents('Notes')).toEqual({ ann: { todo: ['milk'], mood: 1 }, ben: 1 })
})

test('the output of get --json and of get --encoded can be merged and set', async () => {
  await change(['set', 'From', 'ann', '{ "todo": ["tea"] }'])
  const json = await change(['get', 'From', '--json'])
  await change(['merge', 'To', '--lists', 'append'], { stdin: json.stdout })
  expect(await bot.contents('To')).toEqual(await bot.contents('From'))
  const encoded =
    '{ "when": "2:\\"~0\\"", "ids": "1:[[\\"Set\\",1],[\\"BigInt\\",\\"9007199254740993\\"]]" }'
  await change(['set', 'To', '--encoded', '--yes'], { stdin: encoded })
  const again = await change(['get', 'To', '--encoded'])
  await change(['merge', 'Copy', '--encoded', '--lists', 'append'], { stdin: again.stdout })
  expect(await bot.contents('Copy')).toEqual({
    when: new Date(0),
    ids: new Set([9_007_199_254_740_993n]),
  })
  await change(['set', 'Copy', 'when', '2:"~5"', '--encoded'])
  expect(await bot.contents('Copy')).toMatchObject({ when: new Date(5) })
})

test('rm removes keys, or none if one of them does not exist', async () => {
  const missing = await change(['rm', 'Karma', 'ann', 'zoe'])
  expect(missing).toEqual({
    exitCode: 6,
    stdout: '',
    stderr: 'botshelf: The namespace "Karma" has no key "zoe". Nothing was removed.\n',
  })
  expect(await bot.contents('Karma')).toEqual({ ann: 7, ben: 2 })
  expect((await change(['rm', 'Karma', 'ann', 'ann'])).exitCode).toBe(0)
  expect(await bot.contents('Karma')).toEqual({ ben: 2 })
})

test('--dry-run prints the difference and changes nothing', async () => {
  const from = bot.requests.length
  const set = await change(['set', 'Karma', '--dry-run'], { stdin: '{ "ann": 8, "carl": [1] }' })
  expect(set.stdout).toBe('~ ann  7 → 8\n+ carl  [1]\n- ben  2\n')
  expect(set.stderr).toContain('Nothing was changed')
  const merge = await change(['merge', 'Karma', '--lists', 'append', '--dry-run', '--json'], {
    stdin: '{ "ann": 7, "ben": 3, "carl": 1 }',
  })
  expect(JSON.parse(merge.stdout)).toEqual([
    {
      kind: 'changed',
      namespace: 'Karma',
      key: 'ben',
      before: { value: 2 },
      after: { value: 3 },
    },
    { kind: 'added', namespace: 'Karma', key: 'carl', after: { value: 1 } },
  ])
  const rm = await change(['rm', 'Karma', 'ann', '--dry-run'])
  expect(rm.stdout).toBe('- ann  7\n')
  expect(changesSince(from)).toEqual([])
})

test.each([
  [['set', 'Karma'], '{}', 'Standard input has the data'],
  [['rm', 'Karma'], '', 'There is no terminal'],
])('%j of a whole namespace needs --yes in a pipe', async (args, stdin, reason) => {
  const from = bot.requests.length
  const refused = await change(args, { stdin })
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('add --yes')])
  expect(refused.stderr).toContain(reason)
  expect(bot.requests.slice(from)).toEqual([])
  expect((await change([...args, '--yes'], { stdin })).exitCode).toBe(0)
  expect(await bot.contents('Karma')).toEqual({})
})

test('on a terminal rm of a whole namespace asks, and only y removes it', async () => {
  for (const typed of ['n', '\r', '\u0003']) {
    const { exitCode, stderr } = await change(['rm', 'Karma'], { typed })
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('Nothing was changed.')])
    expect(stderr).toContain(`Remove 2 entries of Karma of ${bot.url}?`)
    expect(await bot.contents('Karma')).toEqual({ ann: 7, ben: 2 })
  }
  expect((await change(['rm', 'Karma'], { typed: 'y' })).exitCode).toBe(0)
  expect(await bot.contents('Karma')).toEqual({})
})

test('NO_COLOR removes the colors of a question', async () => {
  // The library of the question looks at the environment of the process.
  vi.stubEnv('FORCE_COLOR', '1')
  onTestFinished(() => void vi.unstubAllEnvs())
  const env = { BOTSHELF_TOKEN: TOKEN }
  // oxlint-disable-next-line no-control-regex -- a color begins with the control character ESC
  const color = /\u001B\[[\d;]*m/
  expect((await change(['rm', 'Karma'], { typed: 'n', env })).stderr).toMatch(color)
  const { stderr } = await change(['rm', 'Karma'], { typed: 'n', env: { ...env, NO_COLOR: '1' } })
  expect(stderr).toContain('Remove 2 entries')
  expect(stderr).not.toMatch(color)
})

test('an entry that the bot ignores is an error', async () => {
  const { exitCode, stderr } = await change(['set', 'Telegram', 'offset', '1'])
  expect(exitCode).toBe(7)
  expect(stderr).toMatch(/stored only 0 of 1 entries of "Telegram".* use merge\.\n$/)
  expect(await bot.contents('Telegram')).toEqual({})
})
