import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type MemoryBot, startMemoryBot } from '../support/memory-bot.ts'
import { cli, type CliResult } from '../support/run-cli.ts'

// Errbot 6.1.7 wrote these files.
const BACKUP = fileURLToPath(new URL('fixtures/backup.py', import.meta.url))
const STORAGE_GET = fileURLToPath(new URL('fixtures/storage-get.txt', import.meta.url))
const KARMA = 'pobj = bot.plugin_manager.plugins["Karma"]\npobj["ann"] = 7\npobj["ben"] = 2\n'

let folder: string
let bot: MemoryBot

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'botshelf-errbot-'))
})
beforeEach(async () => {
  bot = await startMemoryBot()
  await (await bot.runtime.open<Record<string, number>>('Karma')).setMany({ ann: 1, cat: 3 })
})
afterEach(() => bot.stop())

async function importText(
  text: string,
  args: readonly string[] = ['--yes'],
): Promise<CliResult & { readonly file: string }> {
  const file = join(folder, 'backup.py')
  await writeFile(file, text)
  return { file, ...(await cli(['import-errbot', file, '--url', bot.url, ...args])) }
}

async function stored(namespace: string): Promise<Record<string, unknown>> {
  const entries: [key: string, value: unknown][] = []
  const store = await bot.runtime.open(namespace)
  for await (const [key, value] of store.entries()) entries.push([key, value])
  return Object.fromEntries(entries)
}

function writes(): readonly string[] {
  return bot.requests.filter((request) => !request.startsWith('GET '))
}

test('import-errbot sets the entries of a backup.py and keeps the others', async () => {
  expect(await importText(KARMA)).toMatchObject({
    exitCode: 0,
    stdout: '',
    stderr: '1 entry added, 1 changed, 0 removed, 0 the same.\n',
  })
  expect(await stored('Karma')).toEqual({ ann: 7, ben: 2, cat: 3 })
})

test('import-errbot a second time changes nothing and sends no change', async () => {
  await importText(KARMA)
  const before = writes().length
  // Nothing is asked, because there is nothing to change.
  expect(await importText(KARMA, [])).toMatchObject({
    exitCode: 0,
    stderr: '0 entries added, 0 changed, 0 removed, 2 the same.\n',
  })
  expect(writes()).toHaveLength(before)
})

test('import-errbot stores each kind of value that Errbot printed, from standard input', async () => {
  const stdin = await readFile(STORAGE_GET, 'utf8')
  const args = ['import-errbot', '-', '--namespace', 'Example', '--url', bot.url, '--yes']
  expect(await cli(args, { stdin })).toMatchObject({ exitCode: 0, stdout: '' })
  const { numbers, tuple, sets, times, ...others } = await stored('Example')
  const ints = [0, -1, 2 ** 53 - 1, 2n ** 53n, -(2n ** 70n)]
  expect(numbers).toEqual([...ints, 0.1, -0, 1e300, true, false, null])
  expect(tuple).toEqual([1, ['a'], []])
  expect(sets).toEqual([new Set([1]), new Set(), new Set(), new Set(['a'])])
  expect((times as readonly Date[])[0]).toEqual(new Date('2026-01-02T03:04:05.678Z'))
  expect(others['bytes']).toEqual(Uint8Array.of(0, 255, 39, 34, 97, 98, 99))
  expect(others['keys that are no strings']).toEqual(
    new Map<unknown, unknown>([
      [1, 'one'],
      [[1, 2], 'pair'],
      [null, 'none'],
    ]),
  )
})

test('--dry-run prints the difference and changes nothing', async () => {
  const { exitCode, stdout, stderr } = await importText(
    `${KARMA}pobj["\u009B1m"] = "\\x1b[31m"\n`,
    ['--dry-run'],
  )
  expect(exitCode).toBe(0)
  expect(stdout).toBe(
    String.raw`Karma:
~ ann  1 → 7
+ ben  2
+ "\u009b1m"  "\u001b[31m"
`,
  )
  expect(stderr).toBe(
    '2 entries added, 1 changed, 0 removed, 0 the same. Nothing was changed, because of --dry-run.\n',
  )
  expect(await stored('Karma')).toEqual({ ann: 1, cat: 3 })
  expect(writes()).toEqual([])
})

test('--only and --skip select namespaces, and those of Errbot itself need --only', async () => {
  const args = ['import-errbot', BACKUP, '--url', bot.url, '--dry-run', '--json']
  const found = async (more: readonly string[]): Promise<unknown> => {
    const { stdout } = await cli([...args, ...more])
    return Object.keys((JSON.parse(stdout) as { namespaces: object }).namespaces)
  }
  expect(await found(['--skip', 'TextCmds'])).toEqual(['Example'])
  expect(await found(['--only', 'core', 'Example'])).toEqual(['Example', 'core'])
  expect(await found(['--only', 'core'])).toEqual(['core'])
})

test.each([
  ['an expression', `${KARMA}pobj["x"] = open("y")\n`, 'Line 4, column 13: expected a Python lit'],
  ['a complex number', `${KARMA}pobj["x"] = [1,\t2j]\n`, 'Line 4, column 17: a complex number'],
  ['a statement', `${KARMA}import os\n`, 'Line 4, column 1: expected a statement that !backup'],
])('%s in the file changes nothing, exit code 3', async (_name, text, message) => {
  const { exitCode, stdout, stderr, file } = await importText(text)
  expect([exitCode, stdout]).toEqual([3, ''])
  expect(stderr).toContain(`${file}: ${message}`)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(bot.requests).toEqual([])
})

test('a key that cannot be stored is named and changes nothing, exit code 3', async () => {
  const args = ['--namespace', 'Karma', '--yes']
  const { exitCode, stderr } = await importText(String.raw`{'ann': 1, '\udc80': 2}`, args)
  expect(exitCode).toBe(3)
  expect(stderr).toContain(String.raw`the entry "\udc80" of "Karma": A key must be a string`)
  expect(bot.requests).toEqual([])
})

test('a file that is not UTF-8 is refused, exit code 3', async () => {
  const stdin = Buffer.from(KARMA, 'utf16le').toString('latin1').replace('p', '\u00FF')
  const file = join(folder, 'latin1.py')
  await writeFile(file, stdin, 'latin1')
  expect(await cli(['import-errbot', file, '--url', bot.url, '--yes'])).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('is not UTF-8') as string,
  })
})

test('a file of the other kind is refused with the option to change, exit code 2', async () => {
  expect(await importText(KARMA, ['--namespace', 'Karma'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('Leave out --namespace') as string,
  })
  expect(await importText("{'a': 1}")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('name the namespace with --namespace') as string,
  })
  expect(await cli(['import-errbot', join(folder, 'none.py'), '--url', bot.url])).toMatchObject({
    exitCode: 6,
  })
})

test('--only with a namespace that is not in the file is refused, exit code 6', async () => {
  expect(await importText(KARMA, ['--only', 'Karma', 'karma', '--yes'])).toMatchObject({
    exitCode: 6,
    stderr: expect.stringContaining('has no entries of the namespace "karma"') as string,
  })
  const both = ['--namespace', 'Karma', '--only', 'Karma', '--yes']
  expect(await importText("{'ann': 1}", both)).toMatchObject({ exitCode: 2 })
  expect(bot.requests).toEqual([])
})

function refuseChanges({ method }: Request): Response | undefined {
  return method === 'POST' ? Response.json({ error: 'No.' }, { status: 500 }) : undefined
}

test('an import that fails midway says to repeat the command', async () => {
  await bot.stop()
  bot = await startMemoryBot({ limit: refuseChanges })
  expect(await importText(KARMA)).toMatchObject({
    exitCode: 7,
    stdout: '',
    stderr: expect.stringContaining('Repeat the command') as string,
  })
})

test('in a pipe an import needs --yes', async () => {
  expect(await importText(KARMA, [])).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('add --yes, or --dry-run') as string,
  })
  expect(await stored('Karma')).toEqual({ ann: 1, cat: 3 })
})

test.each([
  ['y', 0, { ann: 7, ben: 2, cat: 3 }],
  ['n', 130, { ann: 1, cat: 3 }],
  ['\u0003', 130, { ann: 1, cat: 3 }],
])('on a terminal it asks, and the key %j ends with code %i', async (key, exitCode, contents) => {
  const file = join(folder, 'backup.py')
  await writeFile(file, KARMA)
  const { exitCode: ended } = await cli(['import-errbot', file, '--url', bot.url], { typed: key })
  expect(ended).toBe(exitCode)
  expect(await stored('Karma')).toEqual(contents)
})
