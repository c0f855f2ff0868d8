import { memoryBackend } from '../support/memory.ts'
import { testUnstorage } from './cases.ts'

testUnstorage(memoryBackend)
