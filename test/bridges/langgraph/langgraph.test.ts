import { memoryBackend } from '../support/memory.ts'
import { testCosts } from './cost-cases.ts'
import { testGraphs } from './graph-cases.ts'
import { testInterrupts } from './interrupt-cases.ts'
import { testInput } from './input-cases.ts'
import { testSaver } from './saver-cases.ts'

testSaver(memoryBackend)
testInput(memoryBackend)
testGraphs(memoryBackend)
testInterrupts(memoryBackend)
testCosts(memoryBackend)
