import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TOKEN } from './support/memory-bot.ts'
import { type SeededBot, startSeededBot } from './support/seeded-bot.ts'
import { cli, type CliOptions } from './support/run-cli.ts'
import { serve } from './support/servers.ts'
import { encode } from '../../src/codec.ts'

/** ESC, CSI of one byte, a line break, an override of the direction, and a tag that is invisible. */
const UNSAFE = '\u001b]0;x\u0007\u009b2J\r\n\u202e\u{e0041}'
const FORBIDDEN = /(?!\n)[\p{Cc}\p{Cf}]/u

let bot: SeededBot
let folder: string

beforeAll(async () => {
  bot = await startSeededBot()
  await (await bot.open(UNSAFE)).set(UNSAFE, { [UNSAFE]: UNSAFE, date: new Date(0) })
  folder = await mkdtemp(join(tmpdir(), 'botshelf-cli-'))
  const header = { botshelf: 'backup', format: 1, at: '2026-01-01', storage: UNSAFE }
  const entry = { namespace: UNSAFE, key: UNSAFE, value: encode([UNSAFE, new Set([UNSAFE])]) }
  const lines = [header, entry, { entries: 1 }].map((line) => JSON.stringify(line))
  await writeFile(join(folder, 'bot.jsonl'), lines.join('\n'))
  const partial = { ...header, at: `2026-01-01 (${UNSAFE})`, storage: 'default', url: bot.url }
  await writeFile(
    join(folder, 'new.jsonl.partial'),
    `${[partial, { ...entry, namespace: 'A' }].map((line) => JSON.stringify(line)).join('\n')}\n`,
  )
  await writeFile(
    join(folder, 'backup.py'),
    `pobj = bot.plugin_manager.plugins["A\u009b\u202e"]\npobj["\u001b\u202e"] = "\u202e\u009b"\n`,
  )
  await writeFile(
    join(folder, 'wrangler.json'),
    JSON.stringify({
      compatibility_date: UNSAFE,
      vars: { STORAGE: UNSAFE, [`${UNSAFE}_TOKEN`]: 'x' },
      durable_objects: { bindings: [{ name: UNSAFE, class_name: UNSAFE }] },
      kv_namespaces: [{ binding: UNSAFE, id: UNSAFE }],
      env: { [UNSAFE]: {} },
    }),
  )
})
afterAll(async () => {
  await bot.stop()
  await rm(folder, { recursive: true })
})

const cases: [args: string[], options?: CliOptions][] = [
  [['ls']],
  [['ls', UNSAFE]],
  [['keys', UNSAFE]],
  [['get', UNSAFE]],
  [['get', UNSAFE, UNSAFE]],
  [['get', UNSAFE, UNSAFE, '--encoded']],
  [['get', UNSAFE, `${UNSAFE}!`]],
  [['set', UNSAFE, '--dry-run'], { stdin: JSON.stringify({ [UNSAFE]: UNSAFE }) }],
  [
    ['merge', UNSAFE, '--lists', 'append', '--dry-run'],
    { stdin: JSON.stringify({ [UNSAFE]: UNSAFE }) },
  ],
  [['rm', UNSAFE, '--dry-run']],
  [['restore', 'bot.jsonl', '--dry-run', '--verbose']],
  [['restore', 'bot.jsonl', '--dry-run', '--verbose', '--json']],
  [['backup'], { terminal: true }],
  [['backup', 'new.jsonl']],
  [['import-errbot', 'backup.py', '--dry-run']],
  [['import-errbot', 'backup.py', '--dry-run', '--json']],
  [['doctor', '--config', 'wrangler.json']],
  [['doctor', '--config', 'wrangler.json', '--json']],
  [['doctor', '--config', 'wrangler.json', '--env', 'x']],
]

const titled = cases.map(([args, options]) => ({
  title: args.join(' ').replaceAll(UNSAFE, 'UNSAFE'),
  args,
  options,
}))

test.each(titled)(
  'botshelf $title prints no character that a terminal executes',
  async ({ args, options }) => {
    const paths = args.map((arg) =>
      /^[a-z]+\.(?:jsonl|py|json)$/.test(arg) ? join(folder, arg) : arg,
    )
    const url = args[0] === 'doctor' ? [] : ['--url', bot.url]
    const { stdout, stderr } = await cli([...paths, ...url], options)
    expect(`${stdout}${stderr}`).not.toMatch(FORBIDDEN)
    expect(`${stdout}${stderr}`).toContain('\\u')
  },
)

test('a question and the counts of a restore have no such character', async () => {
  const args = ['restore', join(folder, 'bot.jsonl'), '--url', bot.url]
  const { stderr } = await cli(args, { typed: 'n', env: { BOTSHELF_TOKEN: TOKEN, NO_COLOR: '1' } })
  expect(stderr.split('Total:')[0]).not.toMatch(FORBIDDEN)
})

test('what a server reports has no such character', async () => {
  const error = JSON.stringify({ error: UNSAFE, code: UNSAFE })
  const status = JSON.stringify({ version: UNSAFE, now: 1, namespaces: [] })
  for (const [code, body] of [
    [409, error],
    [500, error],
    [200, status],
  ] as const) {
    const url = await serve((_request, response) => void response.writeHead(code).end(body))
    for (const args of [['ls'], ['doctor'], ['doctor', '--json']]) {
      const { stdout, stderr } = await cli([...args, '--url', url])
      expect(`${stdout}${stderr}`).not.toMatch(FORBIDDEN)
    }
  }
})
