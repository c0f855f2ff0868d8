import { env } from 'cloudflare:workers'
import kv1 from 'unstorage/drivers/cloudflare-kv-binding'
import kv2 from 'unstorage-2/drivers/cloudflare-kv-binding'
import { UnstorageStoragePlugin } from '../../../bridges/unstorage.ts'
import { conformance } from '../../../src/conformance.ts'
import { runConformance } from '../../support/run-conformance.ts'

const traits = { durable: true }
const drivers = { '1.17': kv1({ binding: env.BOT_KV }), '2': kv2({ binding: env.BOT_KV }) }

for (const [version, driver] of Object.entries(drivers)) {
  // A base of its own: the two drivers share the KV namespace.
  const config = { STORAGE_CONFIG: { driver, traits, base: `unstorage-${version}` } }
  runConformance(
    `Unstorage, cloudflare-kv-binding of ${version}`,
    'workerd',
    conformance({ plugin: () => new UnstorageStoragePlugin(config) }),
  )
}
