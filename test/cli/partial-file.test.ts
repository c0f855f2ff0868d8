import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { toCliError } from '../../cli/errors.ts'
import { openPartialBackup } from '../../cli/backup/partial-file.ts'
import { encode } from '../../src/codec.ts'
import { type MemoryBot, startMemoryBot, TOKEN } from './support/memory-bot.ts'
import { cli } from './support/run-cli.ts'
import { store } from './support/storage-values.ts'

const HEADER = { at: '2026-01-01', storage: 'default', url: 'https://bot.example.com/' }
const entry = (key: string): { namespace: string; key: string; value: string } => ({
  namespace: 'Karma',
  key,
  value: encode(7),
})

let folder: string
let file: string
let bot: MemoryBot

beforeAll(async () => {
  bot = await startMemoryBot()
  await store(bot.runtime, [entry('ann'), entry('ben')])
})
afterAll(() => bot.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'botshelf-cli-'))
  file = join(folder, 'bot.jsonl')
  return () => rm(folder, { recursive: true })
})

test('a second backup to the same file at the same time ends, and changes nothing of it', async () => {
  const first = await openPartialBackup(file, HEADER)
  await first.append([entry('ann')])
  const second = await openPartialBackup(file, HEADER)
  await first.append([entry('ben'), entry('carl')])
  await expect(second.append([entry('other')])).rejects.toThrow(/Another command writes/)
  await first.finish()
  const finished = await readFile(file, 'utf8')
  await expect(second.finish()).rejects.toThrow(/Another command writes/)
  await second.close()
  expect(await readFile(file, 'utf8')).toBe(finished)
  expect(finished.split('\n')).toHaveLength(6)
})

test('a partial file with a byte order mark keeps its entries', async () => {
  const lines = [{ botshelf: 'backup', format: 1, ...HEADER, url: bot.url }, entry('ann')]
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  await writeFile(`${file}.partial`, `\ufeff${text}`)
  const { exitCode, stderr } = await cli(['backup', file, '--url', bot.url])
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('2 entries')])
  expect((await readFile(file, 'utf8')).split('\n').slice(1, 3)).toEqual(
    [entry('ann'), entry('ben')].map((each) => JSON.stringify(each)),
  )
})

test('a partial file of another bot at the same URL is refused', async () => {
  const other = await startMemoryBot({ basePath: '/other' })
  try {
    await store(other.runtime, [entry('ann')])
    const args = ['backup', file, '--url', other.url]
    expect((await cli([...args, '--base-path', '/other'])).exitCode).toBe(0)
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, 2)
    await writeFile(`${file}.partial`, `${lines.join('\n')}\n`)
    const { exitCode, stderr } = await cli([...args, '--force'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(' is an unfinished backup of ')])
  } finally {
    await other.stop()
  }
})

test('an error of the system is a sentence', () => {
  const error = new Error('ENOSPC: no space left on device, write')
  expect(toCliError(error).message).toBe('ENOSPC: no space left on device, write.')
})

// Every write to this device of Linux fails as on a full disk.
test.skipIf(!existsSync('/dev/full'))('a full standard output is one sentence', async () => {
  const command = `exec "$0" --conditions=botshelf-source cli/main.ts ls > /dev/full`
  const env = { ...process.env, BOTSHELF_URL: bot.url, BOTSHELF_TOKEN: TOKEN }
  const run = promisify(execFile)('sh', ['-c', command, process.execPath], { env })
  const { code, stderr } = (await run.catch((error: unknown) => error)) as {
    readonly code?: number
    readonly stderr: string
  }
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^botshelf: Standard output cannot be written: ENOSPC[^\n]*\.\n$/),
  ])
})
