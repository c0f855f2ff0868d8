import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type DevServer,
  type DevServerOptions,
  freePort,
  startDevServer,
} from '../../../scripts/dev-server.ts'

/** The operator's token of the servers that have one. */
export const TOKEN = 'correct horse battery staple'
export const STORAGES = ['DurableObject', 'CloudflareKV'] as const
/** How long a test that starts a server may take, in milliseconds. */
export const STARTS_WITHIN = 100_000

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Real Workers for a test file, with their data in folders of their own. Nothing is left of them. */
export class TestServers {
  readonly #folders: string[] = []
  readonly #servers: DevServer[] = []
  #project: Promise<string> | undefined

  async start(
    state: string,
    token?: string,
    more: Pick<DevServerOptions, 'variables' | 'logs' | 'onLine'> = {},
  ): Promise<DevServer> {
    const port = await freePort()
    if (port === undefined) throw new Error('No port is free.')
    const options = { port, state, project: await this.project(), ...more }
    const server = await startDevServer(token === undefined ? options : { ...options, token })
    this.#servers.push(server)
    return server
  }

  /** A copy of the project, as the servers run it. */
  project(): Promise<string> {
    this.#project ??= this.#copyProject()
    return this.#project
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'botshelf-test-'))
    this.#folders.push(folder)
    return folder
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()))
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })))
  }

  // A file that is saved meanwhile restarts a server in the midst of a request: these have a copy.
  async #copyProject(): Promise<string> {
    const copy = await this.folder()
    const parts = ['src', 'adapters', 'worker', 'scripts/build-page.ts', 'scripts/browsers.ts']
    for (const name of [...parts, 'wrangler.toml', 'package.json', 'tsconfig.json']) {
      await cp(join(ROOT, name), join(copy, name), { recursive: true })
    }
    // A replayed nick must not become an admin, even if his name is one; whom Telegram vouches for
    // may be.
    const config = await readFile(join(copy, 'wrangler.toml'), 'utf8')
    await writeFile(
      join(copy, 'wrangler.toml'),
      config.replace('BOT_ADMINS = []', 'BOT_ADMINS = ["irc:eve", "telegram:4242"]'),
    )
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction')
    return copy
  }
}
