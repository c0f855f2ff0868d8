import { memoryBackend } from '../support/memory.ts'
import { testConcurrentUpdates } from './concurrency-cases.ts'

testConcurrentUpdates(memoryBackend)
