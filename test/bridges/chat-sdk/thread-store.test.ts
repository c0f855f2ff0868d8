import { memoryBackend } from '../support/memory.ts'
import { testThreadStores } from './thread-store-cases.ts'

testThreadStores(memoryBackend)
