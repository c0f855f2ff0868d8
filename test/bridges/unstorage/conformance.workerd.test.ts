import { env } from 'cloudflare:workers'
import cloudflareKV from 'unstorage/drivers/cloudflare-kv-binding'
import { UnstorageStoragePlugin } from '../../../bridges/unstorage.ts'
import { conformance } from '../../../src/conformance.ts'
import { runConformance } from '../../support/run-conformance.ts'

const driver = cloudflareKV({ binding: env.BOT_KV })
const config = { STORAGE_CONFIG: { driver, traits: { durable: true } } }

/** These make thousands of calls, which take a minute here; they run on the drivers in Node. */
const LARGE = [
  'storage/large-namespace',
  'storage/clear-prefix-large',
  'listing/reverse',
  'listing/pages',
]

runConformance(
  'Unstorage, cloudflare-kv-binding',
  'workerd',
  conformance({ plugin: () => new UnstorageStoragePlugin(config) }).filter(
    ({ id }) => !LARGE.includes(id),
  ),
)
