import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BIN = join(ROOT, 'node_modules', '.bin')
const READY_WITHIN = 90_000
const STOPPED_WITHIN = 5_000

export interface DevServerOptions {
  /** A port that is free; {@link freePort} finds one. */
  readonly port: number
  /** The operator's token; without one there is no operator. */
  readonly token?: string
  /** More secrets, and variables in the place of those in `wrangler.toml`; none holds a `'`. */
  readonly variables?: Readonly<Record<string, string>>
  /** The folder that keeps the data. Default `.wrangler/state` in the project. */
  readonly state?: string
  /** The project's folder, whose changes the server takes up as they are saved. Default: this one. */
  readonly project?: string
  /** Is what the Worker logs to be said as well? */
  readonly logs?: true
  /** Gets every line that the server says: its errors. */
  readonly onLine?: (line: string) => void
}

/** The Worker in `wrangler dev`, on this machine: no account, no network. */
export interface DevServer {
  readonly url: string
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>
  /** Ends the server in its own time, or after 5 seconds without asking. */
  stop(): Promise<void>
  /** Ends the server and all of its processes at once, as `kill -9` does. */
  kill(): Promise<void>
}

/**
 * Starts the Worker and resolves when it answers, within 90 seconds.
 *
 * @throws Error with what the server said, if it ended instead
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const { port, token, variables, state, project = ROOT, logs, onLine } = options
  const lines: string[] = []
  // In a file that nobody else may read: the words of a command can be seen by all.
  const secrets = await writeSecrets({
    ...(token === undefined ? {} : { ADMIN_TOKEN: token }),
    ...variables,
  })
  const group = spawn(
    process.execPath,
    [
      join(ROOT, 'scripts', 'process-group.ts'),
      join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js'),
      'dev',
      '--ip=127.0.0.1',
      `--port=${port}`,
      '--inspector-port=0',
      `--log-level=${logs === true ? 'log' : 'error'}`,
      '--show-interactive-dev-session=false',
      ...(state === undefined ? [] : ['--persist-to', state]),
      ...(secrets === undefined ? [] : ['--env-file', join(secrets, 'secrets')]),
    ],
    {
      cwd: project,
      env: {
        ...process.env,
        PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}`,
        FORCE_COLOR: '0',
        WRANGLER_HIDE_BANNER: 'true',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_WRITE_LOGS: 'false',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, so that it can be ended as a whole.
      detached: true,
    },
  )
  for (const stream of [group.stdout, group.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      onLine?.(line)
    })
  }
  let running = true
  const ended = new Promise<void>((resolve) => {
    group.on('exit', () => {
      running = false
      if (secrets !== undefined) rmSync(secrets, { recursive: true, force: true })
      // Whoever killed the group's leader alone has left the others.
      signal(group, 'SIGKILL')
      resolve()
    })
  })
  const kill = async (): Promise<void> => {
    signal(group, 'SIGKILL')
    await ended
  }
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + READY_WITHIN
  while (!(await answers(url))) {
    if (running && Date.now() < deadline) {
      await sleep(100)
      continue
    }
    await kill()
    throw new Error(`The server did not start.\n${lines.join('\n')}`.trim())
  }
  return {
    url,
    ended,
    kill,
    async stop() {
      signal(group, 'SIGTERM')
      await Promise.race([ended, sleep(STOPPED_WITHIN, undefined, { ref: false })])
      await kill()
    },
  }
}

async function writeSecrets(
  secrets: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'\n`)
  if (lines.length === 0) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-'))
  await writeFile(join(folder, 'secrets'), lines.join(''), { mode: 0o600 })
  return folder
}

/** Resolves to `port` if it is free, to any free port if `port` is 0, and else to `undefined`. */
export function freePort(port = 0): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.on('error', () => resolve(undefined))
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address()
      const found = typeof address === 'object' && address !== null ? address.port : undefined
      probe.close(() => resolve(found))
    })
  })
}

async function answers(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    await reply.body?.cancel()
    // Whatever it says, it is there; but what stands before the Worker says 5xx while that starts.
    return reply.status < 500
  } catch {
    return false
  }
}

function signal(group: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (group.pid !== undefined) process.kill(-group.pid, name)
  } catch {
    // It has ended already.
  }
}
