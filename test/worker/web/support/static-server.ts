import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BUILD = fileURLToPath(new URL('../../../../scripts/build-page.ts', import.meta.url))
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}
const FRAME =
  '<!doctype html><iframe sandbox="allow-scripts allow-forms" src="/some/where/"></iframe>'

export interface StaticServer {
  /** Where the page is: in a folder. */
  readonly url: string
  /** Where a page is that holds the page in a frame without an origin. */
  readonly framed: string
  stop(): Promise<void>
}

/** A plain web server over the page as it is built, in a folder, with no headers of ours. */
export async function startStaticServer(): Promise<StaticServer> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-page-'))
  await promisify(execFile)(process.execPath, [BUILD, folder])
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname
    const name =
      path === '/some/where/' ? 'index.html' : /^\/some\/where\/([\w.-]+)$/.exec(path)?.[1]
    const type = TYPES[extname(name ?? '')]
    if (path === '/framed') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(FRAME)
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
    framed: `http://127.0.0.1:${port}/framed`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
