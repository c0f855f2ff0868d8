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

/** The admin token of servers that are started with one. */
export const TOKEN = 'correct horse battery staple'
export const STORAGES = ['DurableObject', 'CloudflareKV'] as const
/** The timeout of a test that starts a server, in milliseconds. */
export const STARTS_WITHIN = 100_000

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Starts `wrangler dev` servers for a test file, with their data in temporary folders. */
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

  /** Resolves to the folder with the copy of the project that the servers run. */
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

  // A copy, because wrangler restarts a server when a source file is saved.
  async #copyProject(): Promise<string> {
    const copy = await this.folder()
    const parts = ['src', 'adapters', 'worker', 'scripts/build-page.ts', 'scripts/browsers.ts']
    for (const name of [...parts, 'wrangler.toml', 'package.json', 'tsconfig.json']) {
      await cp(join(ROOT, name), join(copy, name), { recursive: true })
    }
    // Tests check that a replayed nick gets no admin rights, although it is listed here.
    const config = await readFile(join(copy, 'wrangler.toml'), 'utf8')
    await writeFile(
      join(copy, 'wrangler.toml'),
      config.replace('BOT_ADMINS = []', 'BOT_ADMINS = ["irc:eve", "telegram:4242"]'),
    )
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction')
    return copy
  }
}
