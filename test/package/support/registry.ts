import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { basename, join } from 'node:path'
import { pack } from './pack.ts'
import { ROOT } from './run.ts'

/**
 * An npm registry on this machine. It serves the packages that `npm ci` installed, each in that one
 * version, so that an install needs no network and finds no undeclared dependency.
 */
export class LocalRegistry {
  readonly url: string
  readonly #server: Server

  /** @param folder where requested packages are packed */
  static async start(folder: string): Promise<LocalRegistry> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '').slice(1)
      const sent = path.startsWith('-/')
        ? sendTarball(response, folder, path.slice(2))
        : sendVersions(response, path, `http://${request.headers.host}`)
      sent.catch((error: unknown) => response.writeHead(404).end(String(error)))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string')
      throw new Error('The registry has no port.')
    return new LocalRegistry(server, `http://127.0.0.1:${address.port}`)
  }

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

async function sendVersions(response: ServerResponse, name: string, url: string): Promise<void> {
  const text = await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
  const manifest = JSON.parse(text) as { version: string }
  const { version } = manifest
  const body = {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist: { tarball: `${url}/-/${name}` } } },
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function sendTarball(response: ServerResponse, folder: string, name: string): Promise<void> {
  const { filename } = await pack(join(ROOT, 'node_modules', name), folder)
  response.end(await readFile(join(folder, basename(filename))))
}
