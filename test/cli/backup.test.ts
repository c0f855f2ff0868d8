import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { HttpError } from '../../src/admin/index.ts'
import { formatEntry } from '../../src/backup/entry.ts'
import { type MemoryBot, startMemoryBot } from './support/memory-bot.ts'
import { cli } from './support/run-cli.ts'
import { ENTRIES, store } from './support/storage-values.ts'

let bot: MemoryBot
let folder: string
let file: string
/** Called before each request of the bot. */
let onRequest: () => void

beforeAll(async () => {
  bot = await startMemoryBot({ limit: () => onRequest() })
  await store(bot.runtime, ENTRIES)
})

afterAll(() => bot.stop())

beforeEach(async () => {
  onRequest = () => {}
  folder = await mkdtemp(join(tmpdir(), 'botshelf-cli-'))
  file = join(folder, 'bot.jsonl')
  return () => rm(folder, { recursive: true })
})

const backup = (...args: readonly string[]): ReturnType<typeof cli> =>
  cli(['backup', ...args, '--url', bot.url])

/** Returns the lines of the entries, and checks the first line and the last one. */
function entryLines(text: string): readonly string[] {
  const lines = text.split('\n')
  expect(lines.pop()).toBe('')
  const footer = JSON.parse(lines.pop() ?? '') as unknown
  const sha256 = createHash('sha256')
    .update(`${lines.join('\n')}\n`)
    .digest('hex')
  expect(footer).toEqual({ entries: lines.length - 1, sha256 })
  expect(JSON.parse(lines.shift() ?? '')).toMatchObject({ botshelf: 'backup', format: 1 })
  return lines
}

const EXPECTED = ENTRIES.map(formatEntry)

test('backup writes every entry, sorted, to a file that only its owner can read', async () => {
  const { exitCode, stdout, stderr } = await backup(file)
  expect([exitCode, stdout, stderr]).toEqual([0, '', `500 entries of ${bot.url} are in ${file}.\n`])
  const text = await readFile(file, 'utf8')
  expect(entryLines(text)).toEqual(EXPECTED)
  expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({ url: bot.url })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['bot.jsonl'])
})

test('backup compresses a file whose name ends with .gz', async () => {
  const compressed = `${file}.gz`
  expect((await backup(compressed)).exitCode).toBe(0)
  expect(entryLines(gunzipSync(await readFile(compressed)).toString())).toEqual(EXPECTED)
  expect((await stat(compressed)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['bot.jsonl.gz'])
})

test.each([[[]], [['-']]])('backup %j prints the backup', async (args) => {
  const { exitCode, stdout, stderr } = await backup(...args)
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(entryLines(stdout)).toEqual(EXPECTED)
})

test('backup --json prints a summary', async () => {
  const { stdout } = await backup(file, '--json')
  const { seconds, ...summary } = JSON.parse(stdout) as Record<string, unknown>
  expect(summary).toEqual({ file, url: bot.url, entries: 500, resumed: 0 })
  expect(seconds).toBeGreaterThan(0)
})

test('backup does not overwrite a file without --force', async () => {
  await writeFile(file, 'precious')
  const { exitCode, stderr } = await backup(file)
  expect(exitCode).toBe(2)
  expect(stderr).toContain('add --force')
  expect(await readFile(file, 'utf8')).toBe('precious')
  expect((await backup(file, '--force')).exitCode).toBe(0)
  expect(entryLines(await readFile(file, 'utf8'))).toEqual(EXPECTED)
})

test.each([1, 2, 3])(
  'a backup that is interrupted at part %i continues after the last entry that it wrote',
  async (part) => {
    const interrupt = new AbortController()
    let requests = 0
    onRequest = () => {
      if (++requests === part) interrupt.abort()
    }
    const args = ['backup', file, '--url', bot.url]
    const first = await cli(args, { signal: interrupt.signal })
    expect(first.exitCode).toBe(130)
    const count = 200 * (part - 1)
    const state =
      count === 0
        ? 'Nothing was written.'
        : `${file}.partial has ${count} entries. Run the same command again to continue.`
    expect(first.stderr).toBe(`botshelf: Interrupted. ${state}\n`)
    expect(await readdir(folder)).toEqual(count === 0 ? [] : ['bot.jsonl.partial'])

    requests = -1000
    const second = await cli(args)
    expect(second.exitCode).toBe(0)
    expect(requests + 1000).toBe(4 - part)
    expect(entryLines(await readFile(file, 'utf8'))).toEqual(EXPECTED)
    expect(await readdir(folder)).toEqual(['bot.jsonl'])
  },
)

test('a backup continues from any byte at which writing stopped', async () => {
  const { stdout } = await backup()
  await backup(file)
  const whole = await readFile(file)
  const lineEnds = [...whole.keys()].filter((index) => whole[index] === 0x0a)
  // Within the header, at the end of some lines, within others, and at the last line.
  const cuts = [0, 5, ...[0, 1, 300, 499, 500, 501].flatMap((n) => [lineEnds[n], lineEnds[n]! + 1])]
  for (const cut of cuts) {
    await rm(file, { force: true })
    await writeFile(`${file}.partial`, whole.subarray(0, cut))
    expect((await backup(file)).exitCode, `cut at ${cut}`).toBe(0)
    expect(entryLines(await readFile(file, 'utf8'))).toEqual(entryLines(stdout))
  }
})

test('a backup drops a line that was cut, also if its entry no longer exists', async () => {
  await backup(file)
  const [header = '', ...lines] = (await readFile(file, 'utf8')).split('\n').slice(0, -2)
  await rm(file)
  const cut = `{"namespace":"Karma","key":"zzz","value":"${'x'.repeat(1000)}`
  await writeFile(`${file}.partial`, [header, ...lines, cut].join('\n'))
  expect((await backup(file)).exitCode).toBe(0)
  expect(entryLines(await readFile(file, 'utf8'))).toEqual(EXPECTED)
})

test.each<[string, (lines: string[]) => string[]]>([
  ['another bot', ([header = '', ...lines]) => [header.replace('127.0.0.1', '10.0.0.1'), ...lines]],
  ['another storage', ([header = '', ...l]) => [header.replace('default', 'CloudflareKV'), ...l]],
  ['a later version', ([header = '', ...l]) => [header.replace('"format":1', '"format":2'), ...l]],
  ['lines in another order', ([header = '', one = '', two = '', ...l]) => [header, two, one, ...l]],
  ['a line that is no entry', ([header = '', , ...lines]) => [header, 'damaged', ...lines]],
])('a partial file with %s is refused and kept', async (_, alter) => {
  await backup(file)
  const partial = `${file}.partial`
  const text = alter((await readFile(file, 'utf8')).split('\n').slice(0, 300)).join('\n')
  await rm(file)
  await writeFile(partial, text)
  const { exitCode, stderr } = await backup(file)
  expect([2, 3]).toContain(exitCode)
  expect(stderr).toContain(partial)
  expect(stderr).toContain('Remove it')
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(await readFile(partial, 'utf8')).toBe(text)
  expect(await readdir(folder)).toEqual(['bot.jsonl.partial'])
})

test('backup repeats a call that is answered 503', async () => {
  let requests = 0
  onRequest = () => {
    if (++requests === 2) throw new HttpError(503, 'Not now.')
  }
  expect((await backup(file)).exitCode).toBe(0)
  expect(requests).toBe(4)
  expect(entryLines(await readFile(file, 'utf8'))).toEqual(EXPECTED)
})

test('Ctrl-C between two attempts ends the backup', async () => {
  const interrupt = new AbortController()
  let requests = 0
  onRequest = () => {
    if (++requests === 1) return
    setTimeout(() => interrupt.abort(), 20)
    throw new HttpError(503, 'Not now.')
  }
  const { exitCode } = await cli(['backup', file, '--url', bot.url], { signal: interrupt.signal })
  expect([exitCode, requests]).toEqual([130, 2])
})

test('backup gives up after four attempts and says how to continue', async () => {
  let requests = 0
  onRequest = () => {
    if (++requests > 1) throw new HttpError(503, 'Not now.')
  }
  const { exitCode, stderr } = await backup(file)
  expect(exitCode).toBe(7)
  expect(stderr).toContain(`${file}.partial has 200 entries. Run the same command again`)
  expect(requests).toBe(5)
})

test('backup fails with one sentence in a folder that cannot be written', async () => {
  await chmod(folder, 0o500)
  const isRoot = process.getuid?.() === 0
  const path = isRoot ? join(folder, 'none', 'bot.jsonl') : file
  const { exitCode, stderr } = await backup(path)
  await chmod(folder, 0o700)
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^botshelf: \S+\.partial cannot be written \(E[A-Z]+\)\.\n$/)
  expect(await readdir(folder)).toEqual([])
})
