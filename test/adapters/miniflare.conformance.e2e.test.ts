import type { Miniflare } from 'miniflare'
import { afterAll, beforeAll } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { conformance } from '../../src/conformance.ts'
import { startMiniflare } from '../support/miniflare.ts'
import { runConformance } from '../support/run-conformance.ts'

interface Env {
  readonly BOT_KV: object
  readonly BOT_STORAGE: object
  readonly HOST: {
    idFromName(name: string): unknown
    get(id: unknown): { runCase(id: string): Promise<string | undefined> }
  }
}

// Miniflare's bridge between Node and workerd changes these values. Inside workerd the cases pass.
const UNSUPPORTED_BY_BRIDGE = {
  'values/lone-surrogates': 'the bridge converts every string to UTF-8',
  'values/errors': 'the bridge adds a cause to every error',
  'values/cycle': 'the bridge does not detect cycles',
  'values/error-in-cycle': 'the bridge does not detect cycles',
}

let miniflare: Miniflare
let env: Env

beforeAll(async () => {
  miniflare = await startMiniflare()
  env = await miniflare.getBindings<Env>()
})

afterAll(() => miniflare.dispose())

runConformance(
  'CloudflareKV',
  'Node over Miniflare',
  conformance({
    plugin: () => new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_KV } }),
  }),
)

runConformance(
  'DurableObject, from a Worker',
  'Node over Miniflare',
  conformance({
    plugin: () => new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } }),
    skip: UNSUPPORTED_BY_BRIDGE,
  }),
)

runConformance(
  'DurableObject, inside',
  'Node over Miniflare',
  // Only the ids and names come from these cases; the object runs them on its own storage.
  conformance({ plugin: () => new MemoryStoragePlugin() }).map((each) => ({
    ...each,
    run: () => env.HOST.get(env.HOST.idFromName('conformance')).runCase(each.id),
  })),
)
