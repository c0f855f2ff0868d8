import { memoryBackend } from '../support/memory.ts'
import { testKeyv } from './cases.ts'
import { testKeyvRules } from './rules.cases.ts'

testKeyv(memoryBackend)
testKeyvRules(memoryBackend)
