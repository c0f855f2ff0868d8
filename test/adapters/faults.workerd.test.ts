import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { eachFaultOf, testEachFault } from '../support/test-each-fault.ts'
import type { HostObject } from '../support/worker.ts'

const kv = { STORAGE_CONFIG: { binding: env.BOT_KV } }
testEachFault('CloudflareKV, workerd', () => eachFaultOf(() => new CloudflareKVStoragePlugin(kv)))

const remote = { STORAGE_CONFIG: { binding: env.BOT_STORAGE } }
testEachFault('DurableObject from a Worker, workerd', () =>
  eachFaultOf(() => new DurableObjectStoragePlugin(remote)),
)

const host = env.HOST.getByName('faults')
testEachFault('DurableObject inside, workerd', () =>
  runInDurableObject(host, (object: HostObject) => eachFaultOf(() => object.plugin())),
)
