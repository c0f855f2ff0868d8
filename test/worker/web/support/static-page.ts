import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { TestBrowser } from './test-browser.ts'

const BUILD_SCRIPT = fileURLToPath(new URL('../../../../scripts/build-page.ts', import.meta.url))
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}
const FRAME_HTML =
  '<!doctype html><iframe sandbox="allow-scripts allow-forms" src="/some/where/"></iframe>'

/** The built page on a plain web server, and a browser for it. */
export interface StaticPage {
  /** The address of the page, in a folder. */
  readonly url: string
  /** The address of a page that has the page in a sandboxed frame, where storage is denied. */
  readonly frameUrl: string
  readonly browser: TestBrowser
}

interface StaticServer {
  readonly url: string
  readonly frameUrl: string
  stop(): Promise<void>
}

/** Starts a static server and a browser before the tests of a file, and stops them afterwards. */
export function useStaticPage(): StaticPage {
  let server: StaticServer
  let browser: TestBrowser
  beforeAll(async () => {
    ;[server, browser] = await Promise.all([startStaticServer(), TestBrowser.start()])
  })
  afterEach(() => browser.reset())
  afterAll(() => Promise.all([server?.stop(), browser?.stop()]))
  return {
    get url() {
      return server.url
    },
    get frameUrl() {
      return server.frameUrl
    },
    get browser() {
      return browser
    },
  }
}

/** Builds the page and serves its files without a Worker and without security headers. */
async function startStaticServer(): Promise<StaticServer> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-page-'))
  await promisify(execFile)(process.execPath, [BUILD_SCRIPT, folder])
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname
    const name =
      path === '/some/where/' ? 'index.html' : /^\/some\/where\/([\w.-]+)$/.exec(path)?.[1]
    const type = CONTENT_TYPES[extname(name ?? '')]
    if (path === '/frame') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(FRAME_HTML)
      return
    }
    if (name === undefined || type === undefined) {
      response.writeHead(404).end()
      return
    }
    readFile(join(folder, name)).then(
      (file) => response.writeHead(200, { 'content-type': type }).end(file),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/some/where/`,
    frameUrl: `http://127.0.0.1:${port}/frame`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
