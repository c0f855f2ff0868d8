import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
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

interface Manifest {
  readonly version: string
}

async function sendVersions(response: ServerResponse, name: string, url: string): Promise<void> {
  const text = await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
  const manifest = JSON.parse(text) as Manifest
  const { version } = manifest
  const body = {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist: { tarball: `${url}/-/${name}` } } },
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** The tarballs of dependencies, which many test files install. `npm ci` removes the folder. */
const TARBALLS = join(ROOT, 'node_modules', '.cache', 'botshelf-tarballs')

async function sendTarball(response: ServerResponse, folder: string, name: string): Promise<void> {
  const source = join(ROOT, 'node_modules', name)
  const { version } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as Manifest
  const cached = join(TARBALLS, `${name.replace('/', '+')}-${version}.tgz`)
  let tarball = await readFile(cached).catch(() => undefined)
  if (tarball === undefined) {
    const { filename } = await pack(source, folder)
    const packed = join(folder, basename(filename))
    tarball = await readFile(packed)
    await mkdir(TARBALLS, { recursive: true })
    // A rename, because other test files read the folder at the same time.
    const temporary = `${cached}.${randomUUID()}`
    await writeFile(temporary, tarball)
    await rename(temporary, cached)
  }
  response.end(tarball)
}
