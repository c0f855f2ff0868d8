import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { freePort, startDevServer } from '../../scripts/dev-server.ts'
import {
  createWorkFolder,
  runTranscripts,
  SEED,
  type WorkFolder,
} from '../../scripts/transcripts/run-transcripts.ts'
import { remoteTarget } from '../../src/admin/index.ts'
import { ROOT } from '../package/support/run.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../worker/support/test-servers.ts'

const servers = new TestServers()
const folders: WorkFolder[] = []

afterAll(async () => {
  await servers.stop()
  await Promise.all(folders.map((folder) => folder.remove()))
}, 20_000)

/** Replaces what differs between two runs: times and durations. */
function normalize(page: string): string {
  return page
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?/g, '<time>')
    .replaceAll(/"seconds":\d+(?:\.\d+)?/g, '"seconds":<figure>')
}

async function expectTranscripts(url: string): Promise<void> {
  const folder = await createWorkFolder()
  folders.push(folder)
  await remoteTarget({ url, token: TOKEN }).apply(SEED)
  const page = await readFile(join(ROOT, 'docs/cli.md'), 'utf8')
  const run = await runTranscripts(page, { url, token: TOKEN, cwd: folder.path })
  expect(normalize(run), 'npm run transcripts writes them').toBe(normalize(page))
}

test.concurrent(
  'docs/cli.md shows what its commands print against the bot',
  async () => {
    const { url } = await servers.start(await servers.folder(), TOKEN)
    await expectTranscripts(url)
  },
  2 * STARTS_WITHIN,
)

/** A Worker as docs/backups.md describes it, with two storages. */
const WORKER = `
import { StorageRuntime } from 'botshelf'
import { bearerAuth, createAdminHandler, HttpError } from 'botshelf/admin'
import { cloudflareKV } from 'botshelf/cloudflare-kv'
import { durableObject } from 'botshelf/durable-object'
export { StorageObject } from 'botshelf/storage-object'

const BINDINGS = { DurableObject: 'BOT_STORAGE', CloudflareKV: 'BOT_KV' }

export default {
  async fetch(request, env, ctx) {
    const admin = createAdminHandler({
      open(name = 'DurableObject') {
        if (!Object.hasOwn(BINDINGS, name)) throw new HttpError(400, 'Unknown storage.')
        const config = { ...env, STORAGE: name, STORAGE_CONFIG: { binding: BINDINGS[name] } }
        const options = { allowLostUpdates: true }
        return StorageRuntime.start(config, [durableObject, cloudflareKV], options)
      },
      authorize: bearerAuth(env.ADMIN_TOKEN),
      secret: env.ADMIN_TOKEN,
      defaultStorage: 'DurableObject',
      waitUntil: (promise) => ctx.waitUntil(promise),
    })
    return (await admin(request)) ?? new Response('Hello from the bot.')
  },
}
`

test.concurrent(
  'docs/cli.md shows what its commands print against a Worker with createAdminHandler',
  async () => {
    const project = await servers.folder()
    const config = await readFile(join(ROOT, 'wrangler.toml'), 'utf8')
    const parts = ['alias', 'durable_objects', 'migrations', 'kv_namespaces']
    const tables = config
      .split(/^(?=\[)/m)
      .filter((table) => parts.includes(/\w+/.exec(table)?.[0] ?? ''))
    const sources = tables.join('').replaceAll('"./', `"${ROOT}`)
    await writeFile(
      join(project, 'wrangler.toml'),
      `name = "own"\nmain = "worker.js"\ncompatibility_date = "2026-10-01"\n${sources}`,
    )
    await writeFile(join(project, 'worker.js'), WORKER)
    await mkdir(join(project, 'state'))
    await symlink(join(ROOT, 'node_modules'), join(project, 'node_modules'), 'junction')
    const port = (await freePort()) ?? expect.fail('No port is free.')
    const state = join(project, 'state')
    const server = await startDevServer({ port, token: TOKEN, project, state })
    try {
      await expectTranscripts(server.url)
    } finally {
      await server.stop()
    }
  },
  2 * STARTS_WITHIN,
)
