// Calls both backends while the module loads, where workerd allows no I/O and no random values.
import { env } from 'cloudflare:workers'
import { CloudflareKVStoragePlugin } from '../../../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../../../adapters/durable-object.ts'
import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import { isStoreError, StorageRuntime, type StoreErrorData } from '../../../../src/index.ts'

export { HostObject, StorageObject } from '../../../support/worker.ts'

/** By name of the call: its error as data, or what else became of it. */
const outcomes: Record<string, StoreErrorData | string> = {}

function record(name: string, call: () => Promise<unknown>): void {
  outcomes[name] = 'pending'
  call().then(
    () => (outcomes[name] = 'resolved'),
    (error: unknown) => (outcomes[name] = isStoreError(error) ? error.toJSON() : String(error)),
  )
}

const { BOT_KV, BOT_STORAGE } = env
const group = [[{ key: 'k', entry: { value: 1, version: 'v' }, bytes: 1 }]]
for (const [name, plugin] of [
  ['KV', new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: BOT_KV } })],
  ['objects', new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: BOT_STORAGE } })],
] as const) {
  const storage = plugin.open('n')
  record(`${name} read`, async () => (await storage).getMany(['k']))
  // Rejects, or resolves to an error.
  record(`${name} write`, async () => {
    for (const result of await (await storage).commit(group)) throw result
  })
  // A turn is optional, so its request resolves.
  record(`${name} turn`, async () => {
    await (await storage).turns?.request(['k'], 1000)
    return (await storage).getMany(['k'])
  })
  record(`${name} clear`, async () => (await storage).clear())
  record(`${name} size`, async () => (await storage).liveLen(0))
  record(`${name} namespaces`, async () => plugin.namespaces()[Symbol.asyncIterator]().next())
  record(`${name} drop`, async () => plugin.drop('n'))
  const store = new StorageRuntime(plugin).open('m')
  record(`${name} get`, async () => (await store).get('k'))
  record(`${name} set`, async () => (await store).set('k', 1))
}
// Memory does no I/O, so it is only the version of the entry that needs random values.
const memory = new StorageRuntime(new MemoryStoragePlugin()).open<Record<string, number>>('n')
record('Memory set', async () => (await memory).set('k', 1))
record('Memory update', async () => (await memory).update('k', () => 1))

export default {
  fetch(): Response {
    return Response.json(outcomes)
  },
}
