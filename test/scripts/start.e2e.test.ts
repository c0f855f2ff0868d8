import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/dev-server.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/start.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NPM_START = ['npm', 'start', '--']
const TIMEOUT_MS = 100_000
const temporary = mkdtempSync(join(tmpdir(), 'start-test-'))
let running: ChildProcess | undefined

afterEach(() => {
  if (running?.pid === undefined) return
  try {
    // The server of a process that is killed ends with it.
    process.kill(-running.pid, 'SIGKILL')
  } catch {
    // The group has ended.
  }
})

afterAll(() => rmSync(temporary, { recursive: true, force: true }))

interface Started {
  readonly port: number
  readonly output: () => string
  readonly process: ChildProcess
}

async function start(
  [command = '', ...args]: readonly string[] = [process.execPath, SCRIPT],
  until = 'Ctrl-C',
): Promise<Started> {
  const port = (await freePort()) ?? 0
  // In a process group, as a terminal starts it.
  running = spawn(command, [...args, '--port', `${port}`], {
    cwd: ROOT,
    stdio: 'pipe',
    detached: true,
    env: { ...process.env, TMPDIR: temporary },
  })
  let text = ''
  for (const stream of [running.stdout, running.stderr]) {
    stream?.on('data', (part: Buffer) => (text += part.toString()))
  }
  await vi.waitFor(() => expect(text).toContain(until), { timeout: TIMEOUT_MS, interval: 50 })
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

/** Returns the commands of all processes that have the port in their arguments, by id. */
function processesOf(port: number): [pid: number, command: string][] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,args=']).toString().split('\n')
  return lines
    .filter((line) => line.includes(`${port}`))
    .map((line) => [Number.parseInt(line, 10), line])
}

function waitUntilNoneIsLeft(port: number): Promise<unknown> {
  return vi.waitFor(() => expect(processesOf(port)).toEqual([]), { timeout: 10_000, interval: 50 })
}

describe('a signal ends npm start with all of its processes', () => {
  test.each<[string, NodeJS.Signals, number | null]>([
    ['npm', 'SIGTERM', 0],
    ['npm', 'SIGINT', 0],
    ['npm', 'SIGKILL', null],
    ['the group', 'SIGINT', 0],
    ['node', 'SIGTERM', 0],
  ])(
    'to %s: %s',
    async (target, signal, code) => {
      const { port, process: npm } = await start(NPM_START)
      const group = npm.pid ?? 0
      expect(processesOf(port).length).toBeGreaterThanOrEqual(5)
      const [node = 0] = processesOf(port).find(([, args]) => /\d node scripts/.test(args)) ?? []
      const exited = once(npm, 'exit')
      process.kill(target === 'npm' ? group : target === 'node' ? node : -group, signal)
      expect((await exited)[0]).toBe(code)
      await waitUntilNoneIsLeft(port)
    },
    TIMEOUT_MS,
  )

  test(
    'while the server starts, and its file of secrets is removed',
    async () => {
      // What a kill of this process leaves behind.
      const earlier = readdirSync(temporary)
      const { port, process: npm } = await start(NPM_START, 'Starting')
      await vi.waitFor(() => expect(processesOf(port).length).toBeGreaterThanOrEqual(3), 10_000)
      npm.kill('SIGTERM')
      await waitUntilNoneIsLeft(port)
      const added = readdirSync(temporary).filter((name) => !earlier.includes(name))
      expect(added.filter((name) => name.startsWith('botshelf-'))).toEqual([])
    },
    TIMEOUT_MS,
  )
})

test(
  'npm start exits with the code of a server that exits, and leaves no process behind',
  async () => {
    const { port, output, process: npm } = await start(NPM_START)
    const [wrangler = 0] = processesOf(port).find(([, args]) => args.includes('wrangler.js')) ?? []
    const exited = once(npm, 'exit')
    process.kill(wrangler, 'SIGKILL')
    expect((await exited)[0]).toBe(1)
    expect(output()).toContain('The server exited unexpectedly.')
    await waitUntilNoneIsLeft(port)
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
