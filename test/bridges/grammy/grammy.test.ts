import { memoryBackend } from '../support/memory.ts'
import { testGrammy } from './cases.ts'

testGrammy(memoryBackend)
