import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dev } from 'astro'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeBridge } from '../support/bridge.ts'
import { memoryBackend } from '../support/memory.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const FILES = {
  'astro.config.mjs': `
    import { defineConfig } from 'astro/config'

    export default defineConfig({
      output: 'server',
      session: { driver: { entrypoint: new URL('src/session-driver.ts', import.meta.url) } },
    })`,
  'src/session-driver.ts': `
    import { webStorage } from '${ROOT}bridges/web-storage.ts'
    import { StorageRuntime } from '${ROOT}src/index.ts'
    import { MemoryStoragePlugin } from '${ROOT}adapters/memory.ts'

    export const store = await new StorageRuntime(new MemoryStoragePlugin()).open('sessions')
    const storage = webStorage(store)
    export default () => storage`,
  'src/pages/count.ts': `
    import { store } from '../session-driver.ts'

    export const GET = async ({ session }) => {
      const count = ((await session.get('count')) ?? 0) + 1
      session.set('count', count)
      return Response.json({ count, sessions: await store.size() })
    }`,
}

let folder: string
let server: Awaited<ReturnType<typeof dev>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'botshelf-astro-'))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await mkdir(join(folder, 'src/pages'), { recursive: true })
  for (const [name, code] of Object.entries(FILES)) await writeFile(join(folder, name), code)
  // Astro 7.3 serves no pages in a process of Vitest.
  vi.stubEnv('VITEST', '')
  server = await dev({
    root: folder,
    cacheDir: join(folder, 'cache'),
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0 },
    vite: { cacheDir: join(folder, 'vite') },
  })
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await server.stop()
  await rm(folder, { recursive: true })
})

async function visit(cookie?: string): Promise<{ body: unknown; cookie: string | undefined }> {
  const response = await fetch(`http://127.0.0.1:${server.address.port}/count`, {
    headers: cookie ? { cookie } : {},
  })
  const [header] = response.headers.getSetCookie()
  return { body: await response.json(), cookie: header?.split(';', 1)[0] }
}

describeBridge('web-storage', memoryBackend, () => {
  test('an Astro site keeps its sessions in a store', async () => {
    const first = await visit()
    expect(first.body).toEqual({ count: 1, sessions: 0 })
    expect((await visit(first.cookie)).body).toEqual({ count: 2, sessions: 1 })
    expect((await visit()).body).toEqual({ count: 1, sessions: 1 })
    expect((await visit(first.cookie)).body).toEqual({ count: 3, sessions: 2 })
  })
})
