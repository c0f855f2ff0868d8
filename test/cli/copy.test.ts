import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encode } from '../../src/codec.ts'
import { type MemoryBot, startMemoryBot, TOKEN } from './support/memory-bot.ts'
import { cli, type CliOptions } from './support/run-cli.ts'
import { clear, ENTRIES, readEntries, store } from './support/storage-values.ts'

let from: MemoryBot
let to: MemoryBot
let folder: string
let state: string
/** Called before each request of the bot that is changed. */
let onRequest: () => void

const OLD = { namespace: 'Karma', key: 'old', value: encode('old') }

beforeAll(async () => {
  from = await startMemoryBot()
  to = await startMemoryBot({ limit: () => onRequest() })
})

afterAll(async () => {
  await from.stop()
  await to.stop()
})

beforeEach(async () => {
  onRequest = () => {}
  await clear(from.runtime)
  await clear(to.runtime)
  await store(from.runtime, ENTRIES)
  await store(to.runtime, [OLD])
  folder = await mkdtemp(join(tmpdir(), 'botshelf-cli-'))
  state = join(folder, 'state.json')
  return () => rm(folder, { recursive: true })
})

/** Runs the command on both bots. */
function copyWith(options: CliOptions, ...args: readonly string[]): ReturnType<typeof cli> {
  const ends = ['--from', from.url, '--to', to.url, '--state', state]
  return cli(['copy', ...ends, ...args], options)
}

const copy = (...args: readonly string[]): ReturnType<typeof cli> => copyWith({}, ...args)

async function copyUntil(request: number, ...args: readonly string[]): ReturnType<typeof cli> {
  const interrupt = new AbortController()
  let requests = 0
  onRequest = () => {
    if (++requests === request) interrupt.abort()
  }
  const result = await copyWith({ signal: interrupt.signal }, '--yes', ...args)
  onRequest = () => {}
  return result
}

describe('copy', () => {
  test('keeps the entries that the first storage does not have', async () => {
    const { exitCode, stdout, stderr } = await copy('--yes', '--verify')
    expect([exitCode, stdout]).toEqual([0, ''])
    expect(stderr).toBe(
      `500 entries of ${from.url} are copied to ${to.url}. Both were compared and have the same entries.\n`,
    )
    expect(await readEntries(to.runtime)).toEqual([...ENTRIES, OLD])
    expect(await readdir(folder)).toEqual([])
  })
  test('--replace removes them', async () => {
    const { stdout } = await copy('--yes', '--replace', '--json', '--verify')
    const { seconds, ...summary } = JSON.parse(stdout) as Record<string, unknown>
    expect(summary).toEqual({
      from: from.url,
      to: to.url,
      mode: 'replace',
      entries: 500,
      verified: true,
    })
    expect(seconds).toBeGreaterThan(0)
    expect(await readEntries(to.runtime)).toEqual(ENTRIES)
  })
  test('--dry-run prints what would change, and changes nothing', async () => {
    const { exitCode, stdout } = await copy('--dry-run', '--replace')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Total: 500 entries added, 0 changed, 1 removed, 0 the same\n')
    expect(await readEntries(to.runtime)).toEqual([OLD])
  })
  test('--verify fails if the storages differ afterwards', async () => {
    let requests = 0
    onRequest = () => {
      // Three parts are written before the comparison.
      if (++requests === 4) void clear(to.runtime)
    }
    const { exitCode, stderr } = await copy('--yes', '--verify')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/the storages differ: \d+ are missing, 0 have another value/)
  })
  test('works without a place for the state, and says so once', async () => {
    const path = join(folder, 'none', 'state.json')
    const { exitCode, stderr } = await copy('--yes', '--state', path)
    expect([exitCode, stderr.split('\n')]).toEqual([
      0,
      [
        `${path} cannot be written: an interrupted run may start over.`,
        `500 entries of ${from.url} are copied to ${to.url}.`,
        '',
      ],
    ])
    expect(await readEntries(to.runtime)).toEqual([...ENTRIES, OLD])
  })
  test('in a pipe needs --yes', async () => {
    const { exitCode, stderr } = await copy()
    expect(exitCode).toBe(2)
    expect(stderr).toContain('add --yes')
    expect(await readEntries(to.runtime)).toEqual([OLD])
  })
  test.each([
    [[], 'Both ends are the same storage.'],
    [['--from-storage', 'A', '--to-storage', 'A'], 'Both ends are the same storage.'],
    [['--from-storage', 'A'], 'name both storages'],
  ])('of a bot to itself with %j is refused', async (args, sentence) => {
    const same = ['copy', '--from', from.url, '--to', from.url.replace(/\/$/, ''), '--yes']
    const { exitCode, stderr } = await cli([...same, ...args])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(sentence)])
  })
  test('of one storage of a bot to another one is no copy to itself', async () => {
    const args = ['copy', '--from', from.url, '--to', from.url, '--yes', '--state', state]
    const storages = ['--from-storage', 'A', '--to-storage', 'B']
    expect((await cli([...args, ...storages])).exitCode).toBe(0)
  })
  test('of one storage to itself is refused, also under another spelling of its URL', async () => {
    const { port } = new URL(from.url)
    for (const url of [
      'http://localhost',
      'http://LOCALHOST.',
      'http://[::1]',
      'https://127.0.0.1',
    ]) {
      const args = ['copy', '--from', from.url, '--to', `${url}:${port}`, '--yes', '--state', state]
      const { exitCode, stderr } = await cli(args)
      expect([url, exitCode, stderr]).toEqual([url, 2, expect.stringContaining('the same storage')])
    }
    const below = ['--from', `${from.url}a/`, '--to', from.url, '--to-base-path', '/a/admin']
    const { exitCode, stderr } = await cli(['copy', ...below, '--yes', '--state', state])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('the same storage')])
  })
  test('takes a token for each end', async () => {
    expect(
      (await copyWith({ env: { BOTSHELF_FROM_TOKEN: TOKEN, BOTSHELF_TO_TOKEN: TOKEN } }, '--yes'))
        .exitCode,
    ).toBe(0)
    expect(
      (await copyWith({ env: { BOTSHELF_FROM_TOKEN: 'x', BOTSHELF_TOKEN: TOKEN } }, '--yes'))
        .exitCode,
    ).toBe(5)
    const { exitCode, stderr } = await copyWith({ env: { BOTSHELF_FROM_TOKEN: TOKEN } }, '--yes')
    expect(exitCode).toBe(5)
    expect(stderr).toContain(
      'set BOTSHELF_TO_TOKEN, or name a file that has it with --to-token-file',
    )
  })
  test('names the option of the URL that is wrong', async () => {
    const { exitCode, stderr } = await cli(['copy', '--from', from.url, '--to', 'bot', '--yes'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--to must be a URL')])
  })
})

describe('a copy that is interrupted', () => {
  test.each([
    [1, 0, 3],
    [2, 200, 2],
    [3, 400, 1],
  ])('at part %i continues after %i entries', async (part, count, remaining) => {
    const { exitCode, stderr } = await copyUntil(part, '--replace')
    expect([exitCode, stderr]).toEqual([
      130,
      `botshelf: Interrupted. ${count} entries of ${from.url} are written. Run the same command again to continue.\n`,
    ])
    let requests = 0
    onRequest = () => void requests++
    expect((await copy('--yes', '--replace')).exitCode).toBe(0)
    expect(requests).toBe(remaining)
    expect(await readEntries(to.runtime)).toEqual(ENTRIES)
    expect(await readdir(folder)).toEqual([])
  })
  test('starts over if the first storage changed in a part that was not finished', async () => {
    const others = Array.from({ length: 1200 }, (_, n) => ({ ...OLD, key: `a${n}` }))
    await store(to.runtime, others)
    expect((await copyUntil(3, '--replace')).exitCode).toBe(130)
    const { restore } = JSON.parse(await readFile(state, 'utf8')) as { readonly restore: string }
    expect(atob(restore.split('.')[0] ?? '')).toContain('"unfinished"')
    const added = { namespace: 'Karma', key: 'b', value: encode(1) }
    await store(from.runtime, [added])
    const { exitCode, stderr } = await copy('--yes', '--replace')
    expect([exitCode, stderr.split('\n')[1]]).toEqual([
      0,
      'The bot does not accept the earlier state; starting over.',
    ])
    expect(await readEntries(to.runtime)).toEqual(await readEntries(from.runtime))
  })
})
