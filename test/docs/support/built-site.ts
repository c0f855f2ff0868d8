import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { ROOT, run } from '../../package/support/run.ts'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}

/** The site, built into a folder and served from it as static files. */
export interface BuiltSite {
  readonly folder: string
  readonly url: string
  stop(): Promise<void>
}

/** Builds the site from the built package, as `npm run docs:build` does, and serves it. */
export async function buildSite(): Promise<BuiltSite> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-site-'))
  await promisify(execFile)(process.execPath, ['scripts/docs-prepare.ts'], { cwd: ROOT })
  await run(ROOT, 'vitepress', 'build', 'docs', '--outDir', folder)
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    const type = CONTENT_TYPES[extname(name)] ?? 'application/octet-stream'
    readFile(join(folder, decodeURIComponent(name))).then(
      (file) => response.writeHead(200, { 'content-type': type }).end(file),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    folder,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
