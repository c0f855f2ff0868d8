import { env } from 'cloudflare:workers'
import cloudflareKV from 'unstorage/drivers/cloudflare-kv-binding'
import { UnstorageStoragePlugin } from '../../../bridges/unstorage.ts'
import { conformance } from '../../../src/conformance.ts'
import { runConformance } from '../../support/run-conformance.ts'

const driver = cloudflareKV({ binding: env.BOT_KV })
const config = { STORAGE_CONFIG: { driver, traits: { durable: true } } }

runConformance(
  'Unstorage, cloudflare-kv-binding',
  'workerd',
  conformance({ plugin: () => new UnstorageStoragePlugin(config) }),
)
