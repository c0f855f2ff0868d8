import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/dev-server.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/start.ts', import.meta.url))
const WITHIN = 100_000
let running: ChildProcess | undefined

afterEach(() => void running?.kill('SIGKILL'))

async function start(): Promise<{ port: number; said: () => string; process: ChildProcess }> {
  const port = (await freePort()) ?? 0
  running = spawn(process.execPath, [SCRIPT, '--port', `${port}`], { stdio: 'pipe' })
  let text = ''
  for (const stream of [running.stdout, running.stderr]) {
    stream?.on('data', (part: Buffer) => (text += part.toString()))
  }
  await vi.waitFor(() => expect(text).toContain('Ctrl-C'), { timeout: WITHIN, interval: 50 })
  return { port, said: () => text, process: running }
}

function isFree(port: number): Promise<unknown> {
  return vi.waitFor(async () => expect(await freePort(port)).toBe(port), { timeout: 10_000 })
}

test(
  'npm start says where the page is, with a token for this run, and nothing else; Ctrl-C ends it',
  async () => {
    const { port, said, process } = await start()
    const [, token] =
      new RegExp(`http://localhost:${port}/#token=([\\w-]{32})\\n`).exec(said()) ?? []
    const path = `http://localhost:${port}/admin/storage/none`
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(path, { headers })).status).toBe(200)
    expect((await fetch(path)).status).toBe(401)
    const busy = spawnSync(globalThis.process.execPath, [SCRIPT, '--port', `${port}`])
    expect([busy.status, busy.stderr.toString()]).toEqual([1, `Port ${port} is in use.\n`])
    const ended = new Promise((resolve) => process.on('exit', resolve))
    process.kill('SIGINT')
    expect(await ended).toBe(0)
    await isFree(port)
    expect(said().trim().split('\n')).toHaveLength(6)
  },
  WITHIN,
)

test(
  'after a kill -9 of npm start nothing of it is left to hold the port',
  async () => {
    const { port, process } = await start()
    process.kill('SIGKILL')
    await isFree(port)
  },
  WITHIN,
)

test.each([[['--port', 'x']], [['--port', '0']], [['--port']], [['--prot', '1']], [['here']]])(
  'bad arguments get one sentence and exit code 2: %j',
  (args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args])
    expect([status, stdout.toString()]).toEqual([2, ''])
    expect(stderr.toString().trim().split('\n')).toHaveLength(1)
  },
)
