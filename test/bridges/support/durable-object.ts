import { env } from 'cloudflare:workers'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import type { BridgeBackend } from './bridge.ts'

export const durableObjectBackend: BridgeBackend = {
  name: 'Durable Object',
  createPlugin: () =>
    new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } }),
}
