import { memoryBackend } from '../support/memory.ts'
import { testGraphs } from './graph-cases.ts'
import { testInterrupts } from './interrupt-cases.ts'
import { testSaver } from './saver-cases.ts'

testSaver(memoryBackend)
testGraphs(memoryBackend)
testInterrupts(memoryBackend)
