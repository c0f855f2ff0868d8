import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestHarness, type TestHarness } from 'wrangler'
import { COMPILERS, Consumer, INSTALL_TIMEOUT_MS } from './support/consumer.ts'
import { run } from './support/run.ts'

let consumer: Consumer

beforeAll(async () => {
  // Otherwise Miniflare requests its location from the network.
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  consumer = await Consumer.start()
})

afterAll(async () => {
  await consumer.stop()
  vi.unstubAllEnvs()
})

// From the compatibility date 2026-08-04 on, Node's modules are there unless they are refused.
const WITHOUT_NODE = 'compatibility_flags = ["no_nodejs_compat", "no_nodejs_compat_v2"]\n'

/** Installs and compiles an example, builds it as `wrangler deploy` does, and runs the result. */
async function deploy(example: string): Promise<TestHarness> {
  const folder = await consumer.install(example)
  for (const compiler of COMPILERS) await consumer.compile(folder, compiler)
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

/** Sends a hundred concurrent requests and resolves to the responses' texts. */
async function fetchHundred(server: TestHarness, path: string): Promise<string[]> {
  const requests = Array.from({ length: 100 }, async () => (await server.fetch(path)).text())
  return Promise.all(requests)
}

test(
  'the worker example, without nodejs_compat, counts a hundred concurrent requests to a hundred',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const server = await deploy('worker')
    try {
      const answers = await fetchHundred(server, '/')
      expect(new Set(answers).size).toBe(100)
      expect(answers).toContain('ann: 100\n')
    } finally {
      await server.close()
    }
  },
)

test(
  'the object example counts a hundred concurrent requests, and keeps the count when it is evicted',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const server = await deploy('object')
    try {
      const answers = await fetchHundred(server, '/a')
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
