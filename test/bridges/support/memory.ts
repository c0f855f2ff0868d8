import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import type { BridgeBackend } from './bridge.ts'

const plugin = new MemoryStoragePlugin()

export const memoryBackend: BridgeBackend = { name: 'Memory', createPlugin: () => plugin }
