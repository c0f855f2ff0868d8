import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DevServer } from '../../scripts/dev-server.ts'
import { remoteTarget } from '../../src/admin/index.ts'
import { type BackupTarget, readAll } from '../../src/backup/target.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../worker/support/test-servers.ts'
import { stored } from '../worker/support/stored.ts'
import { ENTRIES } from './support/storage-values.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

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

const argumentsOf = (args: readonly string[]): string[] => [
  '--conditions=botshelf-source',
  MAIN,
  ...args,
]
const env = { ...process.env, BOTSHELF_TOKEN: TOKEN }

/** Runs the command in a process of its own. */
function run(...args: readonly string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, argumentsOf(args), { encoding: 'utf8', env })
}

/** Starts the command, and signals it when it has written a file. */
async function runUntil(
  path: string,
  signal: NodeJS.Signals,
  ...args: readonly string[]
): Promise<{ code: number | null; stderr: string }> {
  const child: ChildProcess = spawn(process.execPath, argumentsOf(args), { env })
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = once(child, 'close')
  while (child.exitCode === null && !(await readdir(folder)).includes(path)) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  child.kill(signal)
  const [code] = (await ended) as [number | null]
  return { code, stderr }
}

test('a backup of a Durable Object is restored to Workers KV, also after both commands were killed', async () => {
  const [from, to] = [targetOn('DurableObject'), targetOn('CloudflareKV')]
  await from.apply([
    ...ENTRIES,
    { namespace: 'Telegram', key: 'update', ...stored(1) },
    { namespace: 'ü', key: '__proto__', ...stored(new Map([[1n, NaN]])) },
  ])
  await to.apply([{ namespace: 'Karma', key: 'old', ...stored(1) }])
  const file = join(folder, 'bot.jsonl.gz')
  const backup = ['backup', file, '--url', server.url]
  await runUntil('bot.jsonl.gz.partial', 'SIGKILL', ...backup)
  expect(await readdir(folder)).toEqual(['bot.jsonl.gz.partial'])
  expect(run(...backup)).toMatchObject({ status: 0 })
  expect(await readdir(folder)).toEqual(['bot.jsonl.gz'])

  const restore = ['restore', file, '--url', server.url, '--storage', 'CloudflareKV', '--replace']
  await runUntil('bot.jsonl.gz.restore', 'SIGKILL', ...restore, '--yes')
  expect(await readdir(folder)).toEqual(['bot.jsonl.gz', 'bot.jsonl.gz.restore'])
  const result = run(...restore, '--yes')
  expect(result.status).toBe(0)
  expect(result.stderr).toMatch(/^Continuing after (?:200|400) entries/)
  const contents = new Map(await readAll(from))
  contents.delete('Telegram')
  expect(await readAll(to)).toEqual(contents)
})

test('copy copies one storage of a Worker to the other one', async () => {
  const [from, to] = [targetOn('CloudflareKV'), targetOn('DurableObject')]
  await from.apply([{ namespace: 'Todo', key: 'milk', ...stored(1) }])
  const ends = ['--from', server.url, '--from-storage', 'CloudflareKV', '--to', server.url]
  const more = ['--to-storage', 'DurableObject', '--replace', '--yes', '--verify']
  const { status, stderr } = run('copy', ...ends, ...more, '--state', join(folder, 'state.json'))
  expect([status, stderr]).toEqual([0, expect.stringContaining('502 entries')])
  const contents = new Map(await readAll(to))
  contents.delete('Telegram')
  expect(contents).toEqual(await readAll(from))
})

test('Ctrl-C during a restore says how to continue, with exit code 130', async () => {
  const file = join(folder, 'again.jsonl')
  expect(run('backup', file, '--url', server.url).status).toBe(0)
  const args = ['restore', file, '--url', server.url, '--storage', 'CloudflareKV', '--yes']
  const { code, stderr } = await runUntil('again.jsonl.restore', 'SIGINT', ...args)
  expect(code).toBe(130)
  expect(stderr).toMatch(/^botshelf: Interrupted\. [24]00 entries .*Run the same command again/)
  const state = JSON.parse(await readFile(`${file}.restore`, 'utf8')) as object
  expect(state).toMatchObject({ url: `${server.url}/`, storage: 'CloudflareKV', mode: 'merge' })
})
