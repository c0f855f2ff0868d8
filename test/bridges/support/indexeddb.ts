import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import type { BridgeBackend } from './bridge.ts'

export const indexeddbBackend: BridgeBackend = {
  name: 'IndexedDB',
  createPlugin: () => new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database: 'bridges' } }),
}
