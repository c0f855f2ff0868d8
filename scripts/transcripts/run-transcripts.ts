import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
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
 * the next command. `(exit code N)` follows a command that failed.
 */
export async function runTranscripts(page: string, options: TranscriptOptions): Promise<string> {
  let written = ''
  let at = 0
  for (const { index, 1: block = '' } of page.matchAll(/^```console\n(.*?)^```$/gms)) {
    const start = index + '```console\n'.length
    const commands = block.split('\n').filter((line) => line.startsWith('$ '))
    written += page.slice(at, start)
    for (const command of commands) {
      const output = await runInShell(command.slice(2), options)
      written += `${command}\n${output}`
    }
    at = start + block.length
  }
  return written + page.slice(at)
}

function runInShell(command: string, { url, token, cwd }: TranscriptOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', `{ ${command}\n} 2>&1`], {
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
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', reject)
    child.on('close', (code) => {
      const shown = output.replaceAll(url, SHOWN_URL).replace(/\n+$/, '')
      const lines = [
        ...(shown === '' ? [] : [shown]),
        ...(code === 0 ? [] : [`(exit code ${code})`]),
      ]
      resolve(lines.map((line) => `${line}\n`).join(''))
    })
  })
}
