import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { conformance } from '../../src/conformance.ts'
import { runConformance } from '../support/run-conformance.ts'
import type { HostObject } from '../support/worker.ts'

const memory = new MemoryStoragePlugin()
runConformance('Memory', 'workerd', conformance({ plugin: () => memory }))

runConformance(
  'CloudflareKV',
  'workerd',
  conformance({
    plugin: () => new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_KV } }),
  }),
)

runConformance(
  'DurableObject, from a Worker',
  'workerd',
  conformance({
    plugin: () => new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } }),
  }),
)

const host = env.HOST.getByName('conformance')
runConformance(
  'DurableObject, inside',
  'workerd',
  // Only the ids and names come from these cases; the object runs them on its own storage.
  conformance({ plugin: () => new MemoryStoragePlugin() }).map((each) => ({
    ...each,
    run: () => runInDurableObject(host, (object: HostObject) => object.runCase(each.id)),
  })),
)
