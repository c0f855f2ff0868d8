import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DevServer } from '../../scripts/dev-server.ts'
import { remoteTarget } from '../../src/admin/index.ts'
import { type BackupTarget, readAll } from '../../src/backup/target.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../worker/support/test-servers.ts'
import { stored } from '../worker/support/stored.ts'

const servers = new TestServers()
let server: DevServer
let folder: string

beforeAll(async () => {
  folder = await servers.folder()
  server = await servers.start(await servers.folder(), TOKEN)
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

const targetOn = (storage: string): BackupTarget =>
  remoteTarget({ url: server.url, token: TOKEN, storage })

/** Runs a command of package.json. */
function run(
  name: 'backup' | 'restore',
  options: readonly string[],
  token: string = TOKEN,
): { status: number | null; stdout: string; stderr: string } {
  const script = fileURLToPath(new URL(`../../scripts/${name}.ts`, import.meta.url))
  const env = { ...process.env, ADMIN_TOKEN: token }
  return spawnSync(process.execPath, ['--conditions=botshelf-source', script, ...options], {
    encoding: 'utf8',
    env,
  })
}

test('npm run restore prints what it will change, and with --yes restores a backup of another storage', async () => {
  const expires = Date.now() + 3_600_000
  const [from, to] = [targetOn('DurableObject'), targetOn('CloudflareKV')]
  await from.apply([
    { namespace: 'Karma', key: 'ann', ...stored(7), expires },
    { namespace: 'ü', key: '__proto__', ...stored(new Map([[1n, NaN]])) },
  ])
  await to.apply([{ namespace: 'Karma', key: 'old', ...stored(1) }])
  const made = run('backup', ['--url', server.url])
  expect([made.status, made.stderr]).toEqual([0, '2 entries of DurableObject.\n'])
  const file = join(folder, 'bot.jsonl')
  await writeFile(file, made.stdout)

  const kv = ['--url', server.url, '--storage', 'CloudflareKV']
  const shown = run('restore', [file, ...kv, '--replace'])
  expect([shown.status, shown.stdout]).toEqual([
    0,
    'Karma: 1 new, 0 changed, 1 removed, 0 as before\nü: 1 new, 0 changed, 0 removed, 0 as before\nCloudflareKV: 2 new, 0 changed, 1 removed, 0 as before\nNothing was changed. Do it with --yes.\n',
  ])
  expect((await to.entries('Karma')).size).toBe(1)

  const merged = run('restore', [file, ...kv, '--yes'])
  expect([merged.status, merged.stderr]).toEqual([0, ''])
  expect([...(await to.entries('Karma')).keys()]).toEqual(['ann', 'old'])
  expect(run('restore', [file, ...kv, '--replace', '--yes']).status).toBe(0)
  expect(await readAll(to)).toEqual(await readAll(from))
})

test('a failure prints one sentence and exits with 2 for invalid arguments, otherwise with 1', async () => {
  const cut = join(folder, 'cut.jsonl')
  await writeFile(cut, (await readFile(join(folder, 'bot.jsonl'), 'utf8')).slice(0, -10))
  const at = ['--url', server.url]
  const cases: [number, string, ReturnType<typeof run>][] = [
    [2, 'Name a running bot: --url', run('backup', [])],
    [2, '--url takes the address', run('backup', ['--url', 'bot'])],
    [2, "The operator's token is missing", run('backup', at, '')],
    [
      2,
      '--storage takes one of DurableObject, CloudflareKV.',
      run('backup', [...at, '--storage', 'Redis']),
    ],
    [2, "Unknown option '--all'", run('backup', ['--all'])],
    [1, 'The admin token is wrong', run('backup', at, 'wrong')],
    [1, 'There is no bot at http://127.0.0.1:1/', run('backup', ['--url', 'http://127.0.0.1:1'])],
    [2, 'Name one backup', run('restore', at)],
    [2, 'The backup cannot be read', run('restore', [join(folder, 'none.jsonl'), ...at])],
    [1, 'Line 4: The file is incomplete', run('restore', [cut, ...at, '--yes'])],
  ]
  for (const [status, sentence, result] of cases) {
    expect([result.status, result.stdout], sentence).toEqual([status, ''])
    expect(result.stderr).toContain(sentence)
    expect(result.stderr).not.toMatch(/\n +at /)
  }
})
