import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { encode } from '../../src/codec.ts'
import type { StoredValue } from '../../src/backup/entry.ts'
import { formatBackup, parseBackup } from '../../src/backup/file.ts'
import { cli } from './support/run-cli.ts'
import { temporaryFile } from './support/temporary-file.ts'

const AT = '2026-11-29T12:00:00.000Z'
const IN_2100 = 4_102_444_800_000
const CONTENTS = new Map<string, Map<string, StoredValue>>([
  [
    'Karma',
    new Map([
      ['ann', { value: encode(7) }],
      ['ben', { value: encode(2), expires: IN_2100, version: 3 }],
      ['old', { value: encode([1]), expires: 0 }],
    ]),
  ],
  ['Notes', new Map([['todo', { value: encode(['tea']) }]])],
])

async function createBackup(name = 'bot.jsonl'): Promise<string> {
  const text = await format()
  return temporaryFile(name, name.endsWith('.gz') ? gzipSync(text) : text)
}

const format = (): Promise<string> =>
  formatBackup({ at: AT, storage: 'Memory', contents: CONTENTS })

async function read(file: string): Promise<unknown> {
  const bytes = await readFile(file)
  const text = file.endsWith('.gz') ? gunzipSync(bytes) : bytes
  const { at, storage, contents } = await parseBackup(text)
  const namespaces = [...contents].map(([name, entries]) => [name, Object.fromEntries(entries)])
  return { at, storage, ...(Object.fromEntries(namespaces) as object) }
}

test.each(['bot.jsonl', 'bot.jsonl.gz'])('every reading command reads %s', async (name) => {
  const file = await createBackup(name)
  // The bot of BOTSHELF_URL is not asked.
  const env = { BOTSHELF_URL: 'http://bot.invalid' }
  const run = async (...args: readonly string[]): Promise<string> =>
    (await cli([...args, '--file', file], { env })).stdout
  expect(await run('ls')).toBe('3  Karma\n1  Notes\n')
  expect(await run('keys', 'Karma', '--prefix', 'b')).toBe('ben\n')
  expect(await run('get', 'Karma', 'ann')).toBe('7\n')
  expect(await run('get', 'Karma', 'old')).toBe('[1]  (expired 1970-01-01T00:00:00.000Z)\n')
  expect(JSON.parse(await run('get', 'Notes', '--json'))).toEqual({ todo: ['tea'] })
})

test.each(['bot.jsonl', 'bot.jsonl.gz'])(
  'set, merge and rm change %s, and nothing else of it',
  async (name) => {
    const file = await createBackup(name)
    const run = async (args: readonly string[], stdin = ''): Promise<number> =>
      (await cli([...args, '--file', file], { stdin })).exitCode
    expect(await run(['set', 'Karma', 'carl', '1'])).toBe(0)
    expect(await run(['merge', 'Karma', '--lists', 'append'], '{ "ben": 3, "old": [2] }')).toBe(0)
    expect(await run(['merge', 'Notes', '--lists', 'append'], '{ "todo": ["milk"] }')).toBe(0)
    expect(await run(['rm', 'Karma', 'ann'])).toBe(0)
    expect(await read(file)).toEqual({
      at: AT,
      storage: 'Memory',
      Karma: {
        ben: { value: encode(3), expires: IN_2100, version: 3 },
        carl: { value: encode(1) },
        old: { value: encode([2]) },
      },
      Notes: { todo: { value: encode(['tea', 'milk']) } },
    })
  },
)

test('a changed file keeps its permissions, also behind a link, and leaves no other file', async () => {
  const file = await createBackup()
  await chmod(file, 0o640)
  const link = join(dirname(file), 'link.jsonl')
  await symlink(file, link)
  expect((await cli(['set', 'Karma', 'ann', '8', '--file', link])).exitCode).toBe(0)
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
  expect((await stat(file)).mode & 0o777).toBe(0o640)
  expect(await readdir(dirname(file))).toEqual(['bot.jsonl', 'link.jsonl'])
  expect(await read(file)).toMatchObject({ Karma: { ann: { value: encode(8) } } })
})

test('a changed file keeps its first line, which has the URL of the bot', async () => {
  const header = `{"botshelf":"backup","format":1,"at":"${AT}","storage":"default","url":"https://bot.example.com/"}`
  const file = await temporaryFile('bot.jsonl', `${header}\n{"entries":0}\n`)
  expect((await cli(['set', 'Karma', 'ann', '8', '--file', file])).exitCode).toBe(0)
  expect((await readFile(file, 'utf8')).split('\n')[0]).toBe(header)
})

test('a file is not changed by a dry run or by a refused command', async () => {
  const file = await createBackup()
  const before = await readFile(file, 'utf8')
  const invalid = await cli(['merge', 'Karma', '--lists', 'append', '--file', file], { stdin: '{' })
  expect(invalid.exitCode).toBe(3)
  await cli(['rm', 'Karma', 'ann', '--dry-run', '--file', file])
  expect(await readFile(file, 'utf8')).toBe(before)
})

async function list(file: string): Promise<readonly [exitCode: number, stderr: string]> {
  const { exitCode, stderr } = await cli(['ls', '--file', file])
  return [exitCode, stderr]
}

test('a file that is missing, cut, altered or not compressed is refused', async () => {
  expect(await list('/nowhere/bot.jsonl')).toEqual([6, expect.stringContaining('There is no file')])
  const file = await createBackup()
  await writeFile(file, (await format()).split('\n').slice(0, 3).join('\n'))
  expect(await list(file)).toEqual([3, expect.stringContaining(`${file}: Line 3: The file is inc`)])
  await writeFile(file, (await format()).replace('"2:7"', '"7"'))
  expect(await list(file)).toEqual([3, expect.stringContaining(`${file}: Line `)])
  const compressed = await createBackup('cut.jsonl.gz')
  await writeFile(compressed, (await readFile(compressed)).subarray(0, -4))
  expect(await list(compressed)).toEqual([3, expect.stringContaining('cut or damaged (gzip)')])
  await writeFile(compressed, await format())
  expect(await list(compressed)).toEqual([3, expect.stringContaining('should not end with .gz')])
})

test('of changes at the same time, each one that reports success is in the file', async () => {
  const file = await createBackup()
  const keys = Array.from({ length: 8 }, (_, index) => `key${index}`)
  const results = await Promise.all(
    keys.map((key) => cli(['set', 'New', key, '1', '--file', file])),
  )
  const done = keys.filter((_, index) => results[index]?.exitCode === 0)
  expect(done).not.toEqual([])
  const { stdout } = await cli(['keys', 'New', '--json', '--file', file])
  expect(JSON.parse(stdout)).toEqual(done)
  for (const { exitCode, stderr } of results.filter((each) => each.exitCode !== 0)) {
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(
      /^botshelf: Another command changes .* remove .*\.tmp\. Nothing was changed\.\n$/,
    )
  }
  expect(await readdir(dirname(file))).toEqual(['bot.jsonl'])
})

test('a change keeps the URL in the header', async () => {
  const url = 'https://bot.example.com/'
  const text = await formatBackup({ at: AT, storage: 'Memory', url, contents: CONTENTS })
  const file = await temporaryFile('bot.jsonl', text)
  expect((await cli(['set', 'Karma', 'ann', '8', '--file', file])).exitCode).toBe(0)
  const [header = ''] = (await readFile(file, 'utf8')).split('\n')
  expect(JSON.parse(header)).toEqual({
    botshelf: 'backup',
    format: 1,
    at: AT,
    storage: 'Memory',
    url,
  })
})

test('a file is compressed if its name ends with .gz or .GZ', async () => {
  const file = await temporaryFile('BOT.GZ', gzipSync(await format()))
  expect((await cli(['set', 'Karma', 'ann', '8', '--file', file])).exitCode).toBe(0)
  expect(gunzipSync(await readFile(file)).toString()).toContain('"ann"')
})
