import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const FOLDER = fileURLToPath(new URL('../indexeddb/', import.meta.url))
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'

/** Serves the page of each candidate on its own host, `<candidate>.localhost`. */
export class PageServer {
  readonly #server: Server
  readonly #port: number

  static async start(candidates: readonly string[]): Promise<PageServer> {
    const scripts = new Map(
      await Promise.all(candidates.map(async (id) => [id, await bundle(id)] as const)),
    )
    const server = createServer((request, response) => {
      const [host = ''] = (request.headers.host ?? '').split('.', 1)
      // Cross-origin isolation gives a page a clock of 5 µs instead of 100 µs.
      response.setHeader('cross-origin-opener-policy', 'same-origin')
      response.setHeader('cross-origin-embedder-policy', 'require-corp')
      const isScript = request.url === '/page.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? (scripts.get(host) ?? 'globalThis.ready = true') : PAGE)
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address === null || typeof address === 'string')
      throw new Error(`Expected the server to listen on a port; received ${String(address)}.`)
    return new PageServer(server, address.port)
  }

  private constructor(server: Server, port: number) {
    this.#server = server
    this.#port = port
  }

  urlOf(candidate: string): string {
    return `http://${candidate}.localhost:${this.#port}/`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

async function bundle(candidate: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { candidate } from './candidates/${candidate}.ts'
import { serve } from './page.ts'
serve(candidate)`,
      resolveDir: FOLDER,
      loader: 'ts',
    },
    bundle: true,
    conditions: ['botshelf-source'],
    minify: true,
    format: 'esm',
    target: 'es2022',
    // Dexie reads this at run time to choose its build.
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
  })
  return outputFiles.map(({ text }) => text).join('\n')
}
