import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, vi } from 'vitest'
import { createTestHarness, type TestHarness } from 'wrangler'
import { COMPILERS, Consumer } from './consumer.ts'
import { run } from './run.ts'

// From the compatibility date 2026-08-04 on, Node's modules are there unless they are refused.
const WITHOUT_NODE = 'compatibility_flags = ["no_nodejs_compat", "no_nodejs_compat_v2"]\n'

interface DeployOptions {
  /** Whether the Worker may import Node's modules. Default: false */
  readonly hasNode?: boolean
  /** What `wrangler secret put` sets. */
  readonly secrets?: Record<string, string>
}

/**
 * Packs the package before the tests of a file. Returns a function that installs and compiles an
 * example, builds it as `wrangler deploy` does, and runs the result.
 */
export function useDeploy(): (example: string, options?: DeployOptions) => Promise<TestHarness> {
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
  return (example, options) => deploy(consumer, example, options)
}

async function deploy(
  consumer: Consumer,
  example: string,
  { hasNode = false, secrets = {} }: DeployOptions = {},
): Promise<TestHarness> {
  const folder = await consumer.install(example)
  for (const compiler of COMPILERS) await consumer.compile(folder, compiler)
  const built = join(folder, 'built')
  const config = join(folder, 'wrangler.toml')
  if (!hasNode) await writeFile(config, WITHOUT_NODE + (await readFile(config, 'utf8')))
  await run(folder, 'wrangler', 'deploy', '--dry-run', '--outdir', built)
  if (!(await readdir(built)).includes('worker.js')) throw new Error(`${built} has no worker.js.`)
  const server = createTestHarness({
    root: folder,
    workers: [{ configPath: config, prebuiltWorkerDir: built, secrets }],
  })
  try {
    await server.listen()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}
