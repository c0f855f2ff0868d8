import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const BENCH = fileURLToPath(new URL('../../bench/run.ts', import.meta.url))

let output: string
beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), 'botshelf-bench-'))
})
afterAll(async () => {
  await rm(output, { recursive: true, force: true })
})

test('npm run bench verifies, counts and reports every candidate in a page and in a Worker', async () => {
  const only = ['indexeddb-set-one', 'open'].flatMap((id) => ['--only', id])
  const options = ['--quick', '--rounds', '1', ...only, '--output', output]
  await promisify(execFile)(process.execPath, ['--conditions=botshelf-source', BENCH, ...options])
  const report = await readFile(join(output, 'RESULTS.md'), 'utf8')
  const peers = ['idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage', 'plain IndexedDB']
  for (const name of peers) {
    expect(report).toMatch(new RegExp(`^\\| ${name} \\| [\\d.]+ \\|.*\\| 1 transaction \\|$`, 'm'))
  }
  for (const name of ['botshelf', 'botshelf, relaxed', 'botshelf on KV']) {
    expect(report).toMatch(new RegExp(`^\\| \\*\\*${name}\\*\\* \\| [\\d.]+ \\|`, 'm'))
  }
  expect(report).toContain('of 6 are met')
})

test('npm run bench counts the calls of clients that race, and lost and rejected updates', async () => {
  const only = ['object-hot-update-20', 'indexeddb-hot-tabs'].flatMap((id) => ['--only', id])
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=botshelf-source',
    BENCH,
    '--rounds',
    '1',
    ...only,
  ])
  const counts = 'per client at most \\d+, on average [\\d.]+ \\| 0 \\| 0 \\|$'
  expect(stdout).toMatch(new RegExp(`^\\| \\*\\*botshelf on an object.*\\| ${counts}`, 'm'))
  expect(stdout).toMatch(/^\| \*\*botshelf, relaxed, two tabs\*\* \| [\d.,]+ \|.*\| 0 \| 0 \|$/m)
})

test('npm run bench -- --only rejects an unknown name and lists the known names', async () => {
  const run = promisify(execFile)(process.execPath, [
    '--conditions=botshelf-source',
    BENCH,
    '--only',
    'nothing',
  ])
  await expect(run).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/received nothing\. Groups: indexeddb, .*indexeddb-set-burst/),
  })
})
