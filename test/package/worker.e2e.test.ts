import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestHarness, type TestHarness } from 'wrangler'
import { Consumer, WITHIN } from './support/consumer.ts'
import { run } from './support/run.ts'

let consumer: Consumer

beforeAll(async () => {
  // Else Miniflare asks the network for where it is.
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  consumer = await Consumer.start()
})

afterAll(async () => {
  await consumer.stop()
  vi.unstubAllEnvs()
})

// From the compatibility date 2026-08-04 on, Node's modules are there unless they are refused.
const WITHOUT_NODE = 'compatibility_flags = ["no_nodejs_compat", "no_nodejs_compat_v2"]\n'

/** Installs and compiles a sample, has wrangler build what it would deploy, and runs that. */
async function deploy(sample: string): Promise<TestHarness> {
  const folder = await consumer.install(sample)
  await consumer.compile(folder)
  const built = join(folder, 'built')
  const config = join(folder, 'wrangler.toml')
  await writeFile(config, WITHOUT_NODE + (await readFile(config, 'utf8')))
  await run(folder, 'wrangler', 'deploy', '--dry-run', '--outdir', built)
  expect(await readdir(built)).toContain('worker.js')
  const server = createTestHarness({
    root: folder,
    workers: [{ configPath: config, prebuiltWorkerDir: built }],
  })
  try {
    await server.listen()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}

/** What a hundred requests at once are answered. */
async function hundred(server: TestHarness, path: string): Promise<string[]> {
  const requests = Array.from({ length: 100 }, async () => (await server.fetch(path)).text())
  return Promise.all(requests)
}

test(
  'a Worker without nodejs_compat counts a hundred requests at once to a hundred',
  { timeout: WITHIN },
  async () => {
    const server = await deploy('worker')
    try {
      const answers = await hundred(server, '/')
      expect(new Set(answers).size).toBe(100)
      expect(answers).toContain('ann: 100')
    } finally {
      await server.close()
    }
  },
)

test(
  'an object with storage inside does so too, and keeps the count when it is evicted',
  { timeout: WITHIN },
  async () => {
    const server = await deploy('object')
    try {
      const answers = await hundred(server, '/a')
      expect(new Set(answers).size).toBe(100)
      expect(answers).toContain('100')
      await server.getWorker().evictDurableObject('COUNTER', { name: '/a' })
      expect(await (await server.fetch('/a')).text()).toBe('101')
      expect(await (await server.fetch('/b')).text()).toBe('1')
    } finally {
      await server.close()
    }
  },
)
