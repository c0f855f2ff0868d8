import { memoryBackend } from '../support/memory.ts'
import { testBetterAuth } from './cases.ts'

testBetterAuth(memoryBackend)
