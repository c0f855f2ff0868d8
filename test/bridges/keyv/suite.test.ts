import { memoryBackend } from '../support/memory.ts'
import { testSuite } from './suite.ts'

testSuite(memoryBackend)
