import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/dev-server.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/start.ts', import.meta.url))
const TIMEOUT_MS = 100_000
let running: ChildProcess | undefined

afterEach(() => void running?.kill('SIGKILL'))

interface Started {
  readonly port: number
  readonly output: () => string
  readonly process: ChildProcess
}

async function start(): Promise<Started> {
  const port = (await freePort()) ?? 0
  running = spawn(process.execPath, [SCRIPT, '--port', `${port}`], { stdio: 'pipe' })
  let text = ''
  for (const stream of [running.stdout, running.stderr]) {
    stream?.on('data', (part: Buffer) => (text += part.toString()))
  }
  await vi.waitFor(() => expect(text).toContain('Ctrl-C'), { timeout: TIMEOUT_MS, interval: 50 })
  return { port, output: () => text, process: running }
}

function waitUntilFree(port: number): Promise<unknown> {
  return vi.waitFor(async () => expect(await freePort(port)).toBe(port), { timeout: 10_000 })
}

test(
  'npm start prints the address of the page with a new token, and Ctrl-C stops it',
  async () => {
    const { port, output, process } = await start()
    const [, token] =
      new RegExp(`http://localhost:${port}/#token=([\\w-]{32})\\n`).exec(output()) ?? []
    const url = `http://localhost:${port}/admin/storage/none`
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(url, { headers })).status).toBe(200)
    expect((await fetch(url)).status).toBe(401)
    const busy = spawnSync(globalThis.process.execPath, [SCRIPT, '--port', `${port}`])
    expect([busy.status, busy.stderr.toString()]).toEqual([
      1,
      `Port ${port} is in use; choose another with --port.\n`,
    ])
    const exited = new Promise((resolve) => process.on('exit', resolve))
    process.kill('SIGINT')
    expect(await exited).toBe(0)
    await waitUntilFree(port)
    expect(output().trim().split('\n')).toHaveLength(6)
  },
  TIMEOUT_MS,
)

test(
  'after kill -9 of npm start no process keeps the port',
  async () => {
    const { port, process } = await start()
    process.kill('SIGKILL')
    await waitUntilFree(port)
  },
  TIMEOUT_MS,
)

test.each([[['--port', 'x']], [['--port', '0']], [['--port']], [['--prot', '1']], [['here']]])(
  'invalid arguments (%j) print one sentence and exit with code 2',
  (args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args])
    expect([status, stdout.toString()]).toEqual([2, ''])
    expect(stderr.toString().trim().split('\n')).toHaveLength(1)
  },
)
