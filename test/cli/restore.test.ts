import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HttpError } from '../../src/admin/index.ts'
import { formatEntry } from '../../src/backup/entry.ts'
import { encode } from '../../src/codec.ts'
import { type MemoryBot, startMemoryBot } from './support/memory-bot.ts'
import { cli } from './support/run-cli.ts'
import { clear, ENTRIES, readEntries, store } from './support/storage-values.ts'

let bot: MemoryBot
let folder: string
let file: string
/** The backup of {@link ENTRIES}. */
let backup: string
/** Called before each request of the bot. */
let onRequest: () => void

const OLD = { namespace: 'Karma', key: 'old', value: encode('old') }

beforeAll(async () => {
  bot = await startMemoryBot({ limit: () => onRequest() })
  onRequest = () => {}
  await store(bot.runtime, ENTRIES)
  backup = (await cli(['backup', '--url', bot.url])).stdout
})

afterAll(() => bot.stop())

beforeEach(async () => {
  onRequest = () => {}
  await clear(bot.runtime)
  await store(bot.runtime, [OLD])
  folder = await mkdtemp(join(tmpdir(), 'botshelf-cli-'))
  file = join(folder, 'bot.jsonl')
  await writeFile(file, backup)
  return () => rm(folder, { recursive: true })
})

const restore = (...args: readonly string[]): ReturnType<typeof cli> =>
  cli(['restore', file, '--url', bot.url, ...args])

async function expectRefused(
  content: string | Uint8Array,
  sentence: RegExp,
  flags: readonly string[] = ['--yes', '--dry-run'],
): Promise<void> {
  await writeFile(file, content)
  for (const flag of flags) {
    const { exitCode, stdout, stderr } = await restore(flag)
    expect([exitCode, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(sentence)
    expect(stderr).toContain(`botshelf: ${file}: Line `)
    expect(stderr).toMatch(/ Nothing was changed\.\n$/)
  }
  expect(await readEntries(bot.runtime)).toEqual([OLD])
}
const backupLines = (): string[] => backup.trimEnd().split('\n')
const toText = (all: readonly string[]): string => `${all.join('\n')}\n`
const withoutDigest = (all: readonly string[]): string[] => [
  ...all.slice(0, -1),
  `{"entries":${all.length - 2}}`,
]

const restoreUntil = async (
  request: number,
  ...args: readonly string[]
): ReturnType<typeof cli> => {
  const interrupt = new AbortController()
  let requests = 0
  onRequest = () => {
    if (++requests === request) interrupt.abort()
  }
  const result = await cli(['restore', file, '--url', bot.url, '--yes', ...args], {
    signal: interrupt.signal,
  })
  onRequest = () => {}
  return result
}
const requestsOf = async (run: () => Promise<unknown>): Promise<number> => {
  let requests = 0
  onRequest = () => void requests++
  await run()
  return requests
}

describe('restore', () => {
  test('keeps the entries that the file does not have', async () => {
    const { exitCode, stdout, stderr } = await restore('--yes')
    expect([exitCode, stdout]).toEqual([0, ''])
    expect(stderr).toBe(`500 entries of ${file} are restored to ${bot.url}.\n`)
    expect(await readEntries(bot.runtime)).toEqual([...ENTRIES, OLD])
    expect(await readdir(folder)).toEqual(['bot.jsonl'])
  })
  test('--replace removes them, also more than one call can remove', async () => {
    const others = Array.from({ length: 1200 }, (_, n) => ({ ...OLD, key: `old ${n}` }))
    await store(bot.runtime, others)
    const { stdout } = await restore('--yes', '--replace', '--json')
    const { seconds, ...summary } = JSON.parse(stdout) as Record<string, unknown>
    expect(summary).toEqual({ file, url: bot.url, mode: 'replace', entries: 500 })
    expect(seconds).toBeGreaterThan(0)
    expect(await readEntries(bot.runtime)).toEqual(ENTRIES)
  })
  test('reads a compressed file', async () => {
    file += '.gz'
    await writeFile(file, gzipSync(backup))
    expect((await restore('--yes', '--replace')).exitCode).toBe(0)
    expect(await readEntries(bot.runtime)).toEqual(ENTRIES)
  })
  test('--dry-run prints what would change, and changes nothing', async () => {
    const [same, changed] = [ENTRIES[0]!, ENTRIES[1]!]
    const before = [same, { ...changed, value: encode('another') }, OLD]
    await store(bot.runtime, before)
    const merged = await restore('--dry-run')
    expect(merged.stdout.split('\n')).toEqual([
      'Factoids: 248 entries added, 1 changed, 0 removed, 1 the same',
      'Karma: 250 entries added, 0 changed, 0 removed, 0 the same',
      'Total: 498 entries added, 1 changed, 0 removed, 1 the same',
      '',
    ])
    const replaced = await restore('--dry-run', '--replace', '--verbose')
    const lines = replaced.stdout.split('\n')
    expect(lines).toHaveLength(500 + 4)
    expect(lines[0]).toBe(`~ Factoids  ${changed.key}`)
    expect(lines).toContain('+ Karma  key 251')
    expect(lines).toContain('- Karma  old')
    expect(lines).toContain('Total: 498 entries added, 1 changed, 1 removed, 1 the same')
    const json = await restore('--dry-run', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      added: 498,
      namespaces: { Factoids: { changed: 1, same: 1 } },
    })
    expect(await readEntries(bot.runtime)).toEqual(before)
    expect(await readdir(folder)).toEqual(['bot.jsonl'])
  })
  test('--dry-run prints control characters as escapes', async () => {
    const odd = formatEntry({ ...OLD, namespace: '\u009B1m', key: '\u202E' })
    await writeFile(file, `${backup.split('\n')[0]}\n${odd}\n{"entries":1}\n`)
    const printed = await restore('--dry-run', '--verbose')
    expect(printed.stdout.split('\n').slice(0, 2)).toEqual([
      String.raw`+ "\u009b1m"  "\u202e"`,
      String.raw`"\u009b1m": 1 entry added, 0 changed, 0 removed, 0 the same`,
    ])
    const { stdout } = await restore('--dry-run', '--verbose', '--json')
    expect(stdout).not.toMatch(/[\u009B\u202E]/)
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toEqual({
      kind: 'added',
      namespace: '\u009B1m',
      key: '\u202E',
    })
  })
  test('counts an entry that has expired as absent, and does not restore it', async () => {
    const lines = backup.split('\n')
    const expired = formatEntry({ ...OLD, key: 'aaa', namespace: 'A', expires: 5 })
    await writeFile(file, `${[lines[0], expired].join('\n')}\n{"entries":1}\n`)
    expect((await restore('--dry-run')).stdout).toBe(
      'Total: 0 entries added, 0 changed, 0 removed, 0 the same\n',
    )
    expect((await restore('--yes')).exitCode).toBe(0)
    expect(await readEntries(bot.runtime)).toEqual([OLD])
  })
  test('in a pipe needs --yes', async () => {
    const { exitCode, stderr } = await restore()
    expect(exitCode).toBe(2)
    expect(stderr).toContain('add --yes')
    expect(await readEntries(bot.runtime)).toEqual([OLD])
  })
  test('sorts a file with lines that were added by hand', async () => {
    const [header = '', ...lines] = backup.split('\n').slice(0, -2)
    const text = [header, ...lines.toReversed(), '{"entries":500}'].join('\n')
    await writeFile(file, text)
    expect((await restore('--yes', '--replace')).exitCode).toBe(0)
    expect(await readEntries(bot.runtime)).toEqual(ENTRIES)
  })
})

describe('a file is refused, and nothing is changed:', () => {
  test('one that is cut at the end of any line', async () => {
    const short = withoutDigest([...backupLines().slice(0, 6), ''])
    for (let count = 0; count < short.length; count++) {
      const line = Math.max(1, count)
      const sentence = count === 0 ? 'This is not a backup' : 'The file is incomplete'
      await expectRefused(toText(short.slice(0, count)), new RegExp(`Line ${line}: ${sentence}`))
    }
    await expectRefused(backup.slice(0, -3), /incomplete/)
  })
  test('one in which a byte of a value was altered', async () => {
    const at = backup.lastIndexOf('2:') + 2
    const altered = `${backup.slice(0, at)}9${backup.slice(at + 1)}`
    await expectRefused(altered, /The file was altered.* remove "sha256"/)
  })
  test('one of a later version', async () => {
    await expectRefused(backup.replace('"format":1', '"format":2'), /written by a later version/)
  })
  test('one in which two lines are swapped', async () => {
    const [header = '', one = '', two = '', ...rest] = backupLines()
    await expectRefused(toText([header, two, one, ...rest]), /The file was altered/)
  })
  test('one with a duplicate, next to each other or not', async () => {
    const [header = '', one = '', ...rest] = backupLines()
    const together = toText(withoutDigest([header, one, one, ...rest]))
    await expectRefused(together, /Line 3: The entry .* is a duplicate/)
    const apart = [header, one, ...rest.slice(0, -1), one, '']
    await expectRefused(toText(withoutDigest(apart)), /Line 502: The entry .* is a duplicate/)
  })
  test('one with an entry that is invalid', async () => {
    const [header = '', one = '', ...rest] = backupLines()
    const invalid = one.replace('"namespace":"Factoids"', '"namespace":""')
    await expectRefused(toText(withoutDigest([header, invalid, ...rest])), /Line 2: A namespace/)
  })
  test('one that is not in order and too large to be sorted in memory', async () => {
    const large = formatEntry({ ...OLD, namespace: 'A', value: encode('x'.repeat(12_000_000)) })
    const [header = ''] = backupLines()
    const keys = ['c', 'b', 'a'].map((key) => large.replace('"old"', JSON.stringify(key)))
    await expectRefused(
      toText(withoutDigest([header, ...keys, ''])),
      /Line 3: The entry is not in order/,
      ['--yes'],
    )
  })
  test('one with an entry that no call can send', async () => {
    const large = formatEntry({ ...OLD, value: encode('x'.repeat(17_000_000)) })
    const [header = ''] = backupLines()
    await expectRefused(
      toText(withoutDigest([header, large, ''])),
      /Line 2: The entry is too large/,
      ['--yes'],
    )
  })
  test('one whose compressed data is cut or damaged', async () => {
    file += '.gz'
    const bytes = gzipSync(backup)
    await expectRefused(bytes.subarray(0, -20), /cut or damaged \(gzip\)/)
    await expectRefused(Buffer.from(backup), /cut or damaged \(gzip\)/)
  })
  test('one that does not exist, with exit code 6', async () => {
    await rm(file)
    const { exitCode, stderr } = await restore('--yes')
    expect([exitCode, stderr]).toEqual([
      6,
      `botshelf: There is no file ${file}. Check its name. Nothing was changed.\n`,
    ])
  })
})

describe('a restore that is interrupted', () => {
  test.each([
    [1, 0, 3],
    [2, 200, 2],
    [3, 400, 1],
  ])('at part %i continues after %i entries', async (part, count, remaining) => {
    const { exitCode, stderr } = await restoreUntil(part, '--replace')
    expect(exitCode).toBe(130)
    expect(stderr).toBe(
      `botshelf: Interrupted. ${count === 0 ? '0' : count} entries of ${file} are written. Run the same command again to continue.\n`,
    )
    expect(await readdir(folder)).toEqual(
      count === 0 ? ['bot.jsonl'] : ['bot.jsonl', 'bot.jsonl.restore'],
    )
    if (count > 0) expect((await stat(`${file}.restore`)).mode & 0o777).toBe(0o600)
    expect(await requestsOf(() => restore('--yes', '--replace'))).toBe(remaining)
    expect(await readEntries(bot.runtime)).toEqual(ENTRIES)
    expect(await readdir(folder)).toEqual(['bot.jsonl'])
  })
  test('while one part takes several calls to remove entries continues with the same part', async () => {
    const others = Array.from({ length: 1200 }, (_, n) => ({ ...OLD, key: `a${n}` }))
    await store(bot.runtime, others)
    // The third part is sent three times.
    const whole = await requestsOf(() => restore('--yes', '--replace'))
    expect(whole).toBe(5)
    await store(bot.runtime, others)
    expect((await restoreUntil(3, '--replace')).exitCode).toBe(130)
    const { exitCode, stderr } = await restore('--yes', '--replace')
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('starting over')])
    expect(await readEntries(bot.runtime)).toEqual(ENTRIES)
  })
  test('starts over if the file is another one', async () => {
    await restoreUntil(3)
    const [header = '', ...lines] = backup.trimEnd().split('\n')
    await writeFile(file, [header, ...lines.slice(1, -1), '{"entries":499}'].join('\n'))
    const { exitCode, stderr } = await restore('--yes')
    expect([exitCode, stderr]).toEqual([
      0,
      `Ignored ${file}.restore: it belongs to another transfer.\n499 entries of ${file} are restored to ${bot.url}.\n`,
    ])
  })
  test.each([
    ['the mode', ['--replace']],
    ['the storage', ['--storage', 'Other']],
  ])('starts over if %s is another one', async (_, args) => {
    await restoreUntil(3)
    expect(await requestsOf(() => restore('--yes', ...args))).toBe(3)
  })
  test('starts over if the bot does not accept the restore token', async () => {
    await restoreUntil(3)
    const state = JSON.parse(await readFile(`${file}.restore`, 'utf8')) as object
    await writeFile(`${file}.restore`, JSON.stringify({ ...state, restore: 'abc.def' }))
    await clear(bot.runtime)
    const { exitCode, stderr } = await restore('--yes')
    expect([exitCode, stderr.split('\n')[1]]).toEqual([
      0,
      'The bot does not accept the earlier state; starting over.',
    ])
    expect(await readEntries(bot.runtime)).toEqual(ENTRIES)
  })
  test('says how to continue if the bot fails, and does not lose what it stored', async () => {
    let requests = 0
    onRequest = () => {
      if (++requests > 1) throw new HttpError(500, 'The disk is full.')
    }
    const { exitCode, stderr } = await restore('--yes')
    expect([exitCode, stderr]).toEqual([
      7,
      `botshelf: The disk is full. 200 entries of ${file} are written. Run the same command again to continue.\n`,
    ])
    expect(await requestsOf(() => restore('--yes'))).toBe(2)
  })
  test('says that nothing was changed if the bot refuses the first call', async () => {
    onRequest = () => {
      throw new HttpError(400, 'The only storage is Memory.')
    }
    const { exitCode, stderr } = await restore('--yes')
    expect([exitCode, stderr]).toEqual([
      7,
      'botshelf: The only storage is Memory. Nothing was changed.\n',
    ])
  })
  test('repeats a call that is answered 503', async () => {
    let requests = 0
    onRequest = () => {
      if (++requests === 2) throw new HttpError(503, 'Not now.')
    }
    expect((await restore('--yes', '--replace')).exitCode).toBe(0)
    expect(await readEntries(bot.runtime)).toEqual(ENTRIES)
  })
})
