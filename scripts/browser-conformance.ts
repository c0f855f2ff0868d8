// Serves a page that runs the conformance suite, prints its address, and prints the result when a
// browser has opened it. A command after `--` starts the browser:
// npm run conformance:browser -- firefox --headless
// With HOST=0.0.0.0 a phone in the same network can open the page.

import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { OLDEST_BROWSERS } from './browsers.ts'
import { onStop } from './on-stop.ts'
import type { Report } from './browser-conformance/report.ts'

const host = process.env['HOST'] ?? '127.0.0.1'
const browserCommand = process.argv.slice(2)

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('./browser-conformance/page.ts', import.meta.url))],
  bundle: true,
  conditions: ['botshelf-source'],
  format: 'esm',
  target: OLDEST_BROWSERS,
  write: false,
})
const script = outputFiles.map(({ text }) => text).join('\n')
const page =
  '<!doctype html><meta charset="utf-8"><title>botshelf</title><pre id="out"></pre><script type="module" src="page.js"></script>'

const server = createServer((request, response) => {
  void respond(request, response)
})
server.listen(0, host, () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const url = `http://${host === '127.0.0.1' ? 'localhost' : host}:${port}/`
  console.log(`Open ${url}`)
  const [command, ...args] = browserCommand
  if (command !== undefined) startBrowser(command, [...args, url])
})

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    response.end(() => printAndExit(JSON.parse(body) as Report))
    return
  }
  const isScript = request.url === '/page.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
  response.end(isScript ? script : page)
}

function printAndExit({ userAgent, rows }: Report): void {
  console.log(userAgent)
  let failed = 0
  for (const { plugin, cases, passed, exempt, failures } of rows) {
    console.log(
      `${plugin}: ${cases} cases, ${passed} passed, ${exempt} exempt, ${failures.length} failed`,
    )
    for (const failure of failures) console.log(`  ${failure}`)
    failed += failures.length
  }
  process.exit(failed > 0 ? 1 : 0)
}

function startBrowser(command: string, args: readonly string[]): void {
  const browser = spawn(command, args, { stdio: 'ignore', detached: true })
  browser.on('error', (error) => {
    console.error(error.message)
    process.exit(2)
  })
  process.on('exit', () => {
    try {
      if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
    } catch {
      // The browser has already exited.
    }
  })
  onStop(() => process.exit(1))
}
