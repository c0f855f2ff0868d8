import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { encodeCursor } from '../../src/backup/cursor.ts'
import { type BackupPart, createPart } from '../../src/backup/part.ts'
import { encode } from '../../src/codec.ts'
import { cli } from './support/run-cli.ts'
import { serve } from './support/servers.ts'
import { temporaryFile } from './support/temporary-file.ts'

const VALUE = encode(7)
const CURSOR = encodeCursor({ namespace: 'Karma', key: 'ann' })
/** What no field of an answer may be. */
const WRONG = [null, true, 'text', [null], [[]], { a: null }, { a: 'b' }, { a: [] }, { a: -1 }]

/** Serves one answer to every call; a command that never ends gets no answer after 10 calls. */
async function serveAnswer(answer: unknown): Promise<string> {
  let calls = 0
  return serve((_request, response) => {
    calls++
    if (calls > 10) response.writeHead(500)
    response.end(JSON.stringify(answer))
  })
}

async function expectRefused(args: readonly string[], answers: readonly unknown[]): Promise<void> {
  for (const answer of answers) {
    const { exitCode, stderr } = await cli([...args, '--url', await serveAnswer(answer)])
    const what = JSON.stringify(answer)
    expect({ what, exitCode, stderr }).toEqual({
      what,
      exitCode: 6,
      stderr: expect.stringMatching(
        /^botshelf: The server at http:\S+ is no bot of this version: [^\n]*\.\n$/,
      ),
    })
  }
}

const PAGE = { entries: { ann: VALUE }, expires: {}, cursor: null }

test.each<[args: readonly string[], answers: readonly unknown[]]>([
  [['ls'], [[], {}, ...WRONG.map((sizes) => ({ sizes }))]],
  [
    ['watch', '--interval', '0.01'],
    [[], {}, ...WRONG.map((namespaces) => ({ namespaces }))],
  ],
  [
    ['keys', 'Karma'],
    [
      [],
      {},
      { keys: [] },
      { keys: ['ann'], cursor: 1 },
      ...WRONG.map((keys) => ({ keys, cursor: null })),
      // Every page is the same one, so there is no end.
      { keys: [], cursor: CURSOR },
      { keys: ['ann'], cursor: CURSOR },
      { keys: ['ben', 'ann'], cursor: null },
    ],
  ],
  [
    ['ls', 'Karma'],
    [
      [],
      {},
      { ...PAGE, cursor: undefined },
      { ...PAGE, cursor: {} },
      ...WRONG.filter((each) => JSON.stringify(each) !== '{"a":"b"}').map((entries) => ({
        ...PAGE,
        entries,
      })),
      ...WRONG.map((expires) => ({ ...PAGE, entries: { a: VALUE }, expires })).slice(0, -1),
      ...WRONG.map((versions) => ({ ...PAGE, entries: { a: VALUE }, versions })),
      { ...PAGE, expires: { ann: 1e300 } },
      { ...PAGE, cursor: CURSOR },
      { ...PAGE, entries: {}, cursor: CURSOR },
    ],
  ],
])('botshelf %s refuses an answer that no bot gives', async (args, answers) => {
  await expectRefused(args, answers)
})

const ENTRY = { namespace: 'Karma', key: 'ann', value: VALUE }
let part: BackupPart
let wrongParts: readonly unknown[]

beforeAll(async () => {
  part = await createPart({ after: null, entries: [ENTRY], isLast: true })
  const removal = { namespace: 'Karma', key: 'ann', remove: true } as const
  wrongParts = [
    [],
    {},
    { ...part, next: undefined },
    { ...part, sha256: 'a'.repeat(64) },
    ...WRONG.map((entries) => ({ ...part, entries })),
    // Every part is the same one, so there is no end.
    await createPart({ after: null, entries: [ENTRY], isLast: false }),
    await createPart({ after: CURSOR, entries: [], isLast: true }),
    await createPart({ after: null, entries: [ENTRY, ENTRY], isLast: true }),
    await createPart({ after: null, entries: [removal], isLast: true }),
    { ...part, entries: [{ ...ENTRY, value: encode(8) }] },
  ]
})

test('a backup has no part that no bot gives, and leaves no file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const answer of wrongParts) {
    const url = await serveAnswer(answer)
    const { exitCode, stderr } = await cli(['backup', join(folder, 'bot.jsonl'), '--url', url])
    expect([JSON.stringify(answer), exitCode, stderr]).toEqual([
      JSON.stringify(answer),
      6,
      expect.stringMatching(
        /^botshelf: The server at http:\S+ is no bot of this version: [^\n]*\n$/,
      ),
    ])
    await rm(join(folder, 'bot.jsonl.partial'), { force: true })
    expect(await readdir(folder)).toEqual([])
  }
})

test('a restore and a change end at an answer that no bot gives', async () => {
  const lines = [
    { botshelf: 'backup', format: 1, at: '2026-01-01', storage: 'Memory' },
    ENTRY,
    { entries: 1 },
  ]
  const file = await temporaryFile(
    'bot.jsonl',
    lines.map((line) => JSON.stringify(line)).join('\n'),
  )
  const right = { restore: 'a', again: false, done: true, set: 1, removed: 0 }
  const answers = [
    [],
    {},
    { ...right, restore: undefined },
    { ...right, restore: 1 },
    { ...right, again: undefined },
    { ...right, again: 'true' },
    { ...right, set: '1' },
    // The same part would be sent without an end.
    { ...right, again: true },
  ]
  await expectRefused(
    ['restore', file, '--yes'],
    answers.map((each) => each),
  )
}, 20_000)

test('a code that is no text is left out of an error', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(409).end('{"error":"no","code":{"toString":1}}')
  })
  const { exitCode, stderr } = await cli(['ls', '--url', url])
  expect([exitCode, stderr]).toEqual([7, 'botshelf: no\n'])
})

test('doctor reports an answer that no bot gives', async () => {
  for (const answer of [[], {}, { version: 1, now: 1 }, { version: '0.1.0', now: null }]) {
    const url = await serveAnswer(answer)
    const { exitCode, stdout } = await cli(['doctor', '--url', url, '--json'])
    const { checks } = JSON.parse(stdout) as { checks: readonly { message: string }[] }
    expect([exitCode, checks.at(-1)?.message]).toEqual([
      8,
      expect.stringMatching(/^The server at http:\S+ is no bot of this version: /),
    ])
  }
})

test('an answer without an end is cut after 256 MiB, and not asked for again', async () => {
  let calls = 0
  const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  const url = await serve((_request, response) => {
    calls++
    response.setHeader('content-encoding', 'gzip')
    for (let sent = 0; sent < 5; sent++) response.write(zeros)
  })
  const { exitCode, stderr } = await cli(['backup', '--url', url])
  expect([calls, exitCode, stderr]).toEqual([
    1,
    6,
    expect.stringContaining(`The server at ${url} sends more than 256 MiB.`),
  ])
}, 30_000)
