import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BackupEntry } from 'botshelf/backup'
import { encode } from 'botshelf/codec'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The URL of the bot in the page. */
const SHOWN_URL = 'http://localhost:8787'
/** Files that the commands of the page read, by their path in the project. */
const FILES: Readonly<Record<string, string>> = {
  'backup.py': 'test/cli/errbot/fixtures/backup.py',
  'example.txt': 'test/cli/errbot/fixtures/storage-get.txt',
  'wrangler.toml': 'examples/worker/wrangler.toml',
  'worker.ts': 'examples/worker/worker.ts',
}

/** What the bot has before the first command. */
export const SEED: readonly BackupEntry[] = [
  { namespace: 'Factoids', key: 'coffee', value: encode(['black, no sugar']) },
  { namespace: 'Factoids', key: 'tea', value: encode(['green']) },
  { namespace: 'Karma', key: 'ann', value: encode(7) },
  { namespace: 'Karma', key: 'ben', value: encode(2) },
]

/** A temporary folder for the commands. */
export interface WorkFolder {
  readonly path: string
  remove(): Promise<void>
}

/** Creates a folder with the files that the page's commands read. */
export async function createWorkFolder(): Promise<WorkFolder> {
  const path = await mkdtemp(join(tmpdir(), 'botshelf-transcripts-'))
  for (const [name, source] of Object.entries(FILES)) await cp(join(ROOT, source), join(path, name))
  const bin = join(path, '.bin')
  await mkdir(bin)
  const command = `exec '${process.execPath}' --conditions=botshelf-source '${ROOT}cli/main.ts' "$@"\n`
  await writeFile(join(bin, 'botshelf'), `#!/bin/sh\n${command}`)
  await chmod(join(bin, 'botshelf'), 0o755)
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** The bot that the commands call, and the folder that they run in. */
export interface TranscriptOptions {
  readonly url: string
  readonly token: string
  readonly cwd: string
}

/**
 * Runs the commands of a page's `console` blocks, one after another, and resolves to the page with
 * their output. A command is a line that begins with `$ `, and what it printed are the lines up to
 * the next command. `(exit code N)` follows a command that failed. `botshelf watch` runs while the
 * next command does, until it has printed a change.
 */
export async function runTranscripts(page: string, options: TranscriptOptions): Promise<string> {
  const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map(
    ({ index, 1: block = '' }) => ({
      start: index + '```console\n'.length,
      end: index + '```console\n'.length + block.length,
      commands: block.split('\n').filter((line) => line.startsWith('$ ')),
    }),
  )
  const outputs: string[] = []
  let watching: Running | undefined
  for (const command of blocks.flatMap(({ commands }) => commands)) {
    const running = start(command.slice(2), options)
    if (command.startsWith('$ botshelf watch ')) {
      await running.printed(1)
      watching = running
      outputs.push('')
      continue
    }
    const output = await running.output
    if (watching !== undefined) {
      await watching.printed(2)
      watching.interrupt()
      outputs[outputs.length - 1] = await watching.output
      watching = undefined
    }
    outputs.push(output)
  }
  let written = ''
  let at = 0
  for (const { start: from, end, commands } of blocks) {
    written += page.slice(at, from)
    for (const command of commands) written += `${command}\n${outputs.shift()}`
    at = end
  }
  return written + page.slice(at)
}

/** A command that runs. */
interface Running {
  /** What it printed, when it has ended. */
  readonly output: Promise<string>
  /** Resolves when it has printed so many lines, or has ended. */
  printed(lines: number): Promise<void>
  /** Presses Ctrl-C. */
  interrupt(): void
}

function start(command: string, { url, token, cwd }: TranscriptOptions): Running {
  const isWatch = command.startsWith('botshelf watch ')
  const child = spawn('sh', ['-c', isWatch ? `exec ${command} 2>&1` : `{ ${command}\n} 2>&1`], {
    cwd,
    env: {
      HOME: cwd,
      PATH: [join(cwd, '.bin'), process.env['PATH']].join(delimiter),
      // Without it, each command strips the types of all sources again, two thirds of its time.
      NODE_COMPILE_CACHE: join(cwd, '.cache'),
      BOTSHELF_URL: url,
      BOTSHELF_TOKEN: token,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more))
  const output = new Promise<string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      const shown = text.replaceAll(url, SHOWN_URL).replace(/\n+$/, '')
      const lines = [
        ...(shown === '' ? [] : [shown]),
        ...(code === 0 ? [] : [`(exit code ${code})`]),
      ]
      resolve(lines.map((line) => `${line}\n`).join(''))
    })
  })
  return {
    output,
    async printed(lines) {
      while (child.exitCode === null && text.split('\n').length <= lines) await sleep(50)
    },
    interrupt: () => void child.kill('SIGINT'),
  }
}
