import { memoryBackend } from '../support/memory.ts'
import { testBetterAuth } from './auth.cases.ts'
import { testSecondaryStorage } from './cases.ts'

testSecondaryStorage(memoryBackend)
testBetterAuth(memoryBackend)
