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

// What Miniflare's bridge between Node and the runtime cannot carry; within the runtime all of it passes.
const BRIDGE = {
  'values/lone-surrogates': 'the bridge makes UTF-8 of every string',
  'values/errors': 'the bridge gives every error a cause',
  'values/cycle': 'the bridge follows a cycle without end',
  'values/error-in-a-cycle': 'the bridge follows a cycle without end',
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
    skip: BRIDGE,
  }),
)

runConformance(
  'DurableObject, inside',
  'Node over Miniflare',
  conformance({ plugin: () => new MemoryStoragePlugin() }).map((each) => ({
    ...each,
    run: () => env.HOST.get(env.HOST.idFromName('conformance')).runCase(each.id),
  })),
)
