import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { compareCodePoints } from './model.ts'
import { type ModelTest, testConcurrentCalls, testSequentialCalls } from './model-tests.ts'

const shared = { compare: compareCodePoints, runs: 100, maxCommands: 16 }

const fromWorker: ModelTest = {
  ...shared,
  run: (check) =>
    check(
      () => () => new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } }),
    ),
}
testSequentialCalls('DurableObject from a Worker, workerd', fromWorker)
testConcurrentCalls('DurableObject from a Worker, workerd', fromWorker)

const inside: ModelTest = {
  ...shared,
  run: (check) =>
    runInDurableObject(env.HOST.getByName('model'), (_, { storage }) =>
      check(() => () => new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })),
    ),
}
testSequentialCalls('DurableObject inside, workerd', inside)
testConcurrentCalls('DurableObject inside, workerd', inside)

// Workers KV promises nothing for concurrent calls.
testSequentialCalls('CloudflareKV, workerd', {
  ...shared,
  run: (check) =>
    check(() => () => new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_KV } })),
  runs: 200,
})
