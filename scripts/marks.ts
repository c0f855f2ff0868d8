// Measures which storage of a browser survives `kill -9` soon after a write:
// npm run marks [-- --kills 10] [-- --browser firefox-esr]
// It prints how many of the kills each mark survived, and the median times of a write and of a read.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { chromiumLaunch } from './chromium.ts'
import type { Result } from './marks/page.ts'

/** How long after the last write the browser is killed, in milliseconds. */
const DELAYS_MS = [50, 200, 500, 1000]
const FIREFOX_PREFERENCES = `
user_pref('browser.sessionstore.resume_from_crash', false);
user_pref('toolkit.startup.max_resumed_crashes', -1);
user_pref('datareporting.policy.dataSubmissionEnabled', false);
`

const { values: options } = parseArgs({
  options: { kills: { type: 'string', default: '10' }, browser: { type: 'string' } },
})

let onResults: (results: Result[]) => void = () => {}
const script = await buildScript()
const server = createServer((request, response) => {
  if (request.method === 'POST') {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      response.end()
      onResults(JSON.parse(body) as Result[])
    })
    return
  }
  const isScript = request.url === '/page.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
  response.end(
    isScript ? script : '<!doctype html><title>marks</title><script src="/page.js"></script>',
  )
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://localhost:${(server.address() as AddressInfo).port}/`

const survivals = new Map<string, number[]>()
const writeTimes = new Map<string, number[]>()
const readTimes = new Map<string, number[]>()
for (const [column, delayMs] of DELAYS_MS.entries()) {
  for (let kill = 1; kill <= Number(options.kills); kill++) await measureKill(column, delayMs)
}
console.log(`| mark | ${DELAYS_MS.map((ms) => `${ms} ms`).join(' | ')} | write, ms | read, ms |`)
console.log(`| --- |${' --- |'.repeat(DELAYS_MS.length + 2)}`)
for (const [name, counts] of survivals) {
  const cells = counts.map((count) => `${count}/${options.kills}`)
  console.log(
    `| ${[name, ...cells, median(writeTimes, name), median(readTimes, name)].join(' | ')} |`,
  )
}
server.closeAllConnections()
server.close()

async function buildScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./marks/page.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    write: false,
  })
  return outputFiles.map(({ text }) => text).join('\n')
}

async function measureKill(column: number, delayMs: number): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'botshelf-marks-'))
  await writeFile(join(profile, 'user.js'), FIREFOX_PREFERENCES)
  for (const { name, ms } of await visit(profile, `${url}?value=new`, delayMs)) {
    addTime(writeTimes, name, ms)
  }
  for (const { name, value, ms } of await visit(profile, url, 0)) {
    const counts = survivals.get(name) ?? DELAYS_MS.map(() => 0)
    if (value === 'new') counts[column] = (counts[column] ?? 0) + 1
    survivals.set(name, counts)
    addTime(readTimes, name, ms)
  }
  await rm(profile, { recursive: true, force: true, maxRetries: 10 })
}

/** Opens a page, and kills the browser `delayMs` after the page has posted its results. */
async function visit(profile: string, address: string, delayMs: number): Promise<Result[]> {
  const posted = new Promise<Result[]>((resolve) => (onResults = resolve))
  const browser = startBrowser(profile, address)
  const exited = new Promise((resolve) => browser.on('exit', resolve))
  const results = await posted
  await sleep(delayMs)
  // The browser is the leader of its process group.
  if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
  await exited
  return results
}

function startBrowser(profile: string, address: string): ChildProcess {
  const { executablePath = 'chromium', args } = chromiumLaunch()
  const [command, ...parameters] =
    options.browser === undefined
      ? [executablePath, '--headless', `--user-data-dir=${profile}`, ...args, address]
      : [options.browser, '--headless', '--no-remote', '--profile', profile, address]
  return spawn(command, parameters, { stdio: 'ignore', detached: true })
}

function addTime(times: Map<string, number[]>, name: string, ms: number): void {
  times.set(name, [...(times.get(name) ?? []), ms])
}

function median(times: ReadonlyMap<string, number[]>, name: string): string {
  const sorted = (times.get(name) ?? []).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]?.toFixed(1) ?? ''
}
