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
const START_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 5_000
const REPLY_TIMEOUT_MS = 5_000
const POLL_INTERVAL_MS = 100

export interface DevServerOptions {
  /** A port that is free; {@link freePort} finds one. */
  readonly port: number
  /** The operator's token. Without it, the bot has no operator. */
  readonly token?: string
  /** Further secrets, and variables that override those in `wrangler.toml`; without any `'`. */
  readonly variables?: Readonly<Record<string, string>>
  /** The folder for the data. Default: `.wrangler/state` in the project. */
  readonly state?: string
  /** The folder of the project, which the server watches for changes. Default: this project. */
  readonly project?: string
  /** Whether to print what the Worker logs, and not only errors. Default: false. */
  readonly logs?: boolean
  /** Called with every line that the server prints. */
  readonly onLine?: (line: string) => void
}

/** The Worker, running in `wrangler dev` on this machine, without an account or a network. */
export interface DevServer {
  readonly url: string
  /** Resolves to the exit code when the server has exited, for any reason; killed: 1. */
  readonly ended: Promise<number>
  /** Asks the server to exit, and kills it after 5 seconds. */
  stop(): Promise<void>
  /** Kills the server and all its processes at once, as `kill -9` does. */
  kill(): Promise<void>
}

/**
 * Starts the Worker, and resolves when it responds to requests.
 *
 * @throws Error with the output of the server, if it exits or takes longer than 90 seconds
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const { port, token, variables, state, project = ROOT, logs, onLine } = options
  const lines: string[] = []
  // In a private file, because every user of the machine can see the arguments of a command.
  const secretsDir = await writeSecrets({
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
      ...(secretsDir === undefined ? [] : ['--env-file', join(secretsDir, 'secrets')]),
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
      // Starts a process group, which can be killed as a whole.
      detached: true,
    },
  )
  for (const stream of [group.stdout, group.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      onLine?.(line)
    })
  }
  let isRunning = true
  const removeSecrets = (): void => {
    if (secretsDir !== undefined) rmSync(secretsDir, { recursive: true, force: true })
  }
  // The group ends with this process.
  process.on('exit', removeSecrets)
  const ended = new Promise<number>((resolve) => {
    group.on('exit', (code) => {
      isRunning = false
      removeSecrets()
      process.off('exit', removeSecrets)
      // The leader of the group has exited; others may still run.
      signal(group, 'SIGKILL')
      resolve(code ?? 1)
    })
  })
  const kill = async (): Promise<void> => {
    signal(group, 'SIGKILL')
    await ended
  }
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (isRunning && Date.now() < deadline) {
      await sleep(POLL_INTERVAL_MS)
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
      await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
      await kill()
    },
  }
}

/** Writes secrets into a file `secrets` in a new folder, and resolves to the folder. */
async function writeSecrets(
  secrets: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'\n`)
  if (lines.length === 0) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-'))
  await writeFile(join(folder, 'secrets'), lines.join(''), { mode: 0o600 })
  return folder
}

/** Resolves to `port` if it is free and to `undefined` if not; for port 0, to any free port. */
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

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) })
    await response.body?.cancel()
    // While the Worker starts, the proxy of wrangler replies with 5xx.
    return response.status < 500
  } catch {
    return false
  }
}

function signal(group: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (group.pid !== undefined) process.kill(-group.pid, name)
  } catch {
    // The group has exited already.
  }
}
