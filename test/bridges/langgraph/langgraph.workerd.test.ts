import { durableObjectBackend } from '../support/durable-object.ts'
import { testCosts } from './cost-cases.ts'
import { testGraphs } from './graph-cases.ts'
import { testInterrupts } from './interrupt-cases.ts'
import { testInput } from './input-cases.ts'
import { testSaver } from './saver-cases.ts'

testSaver(durableObjectBackend)
testInput(durableObjectBackend)
testGraphs(durableObjectBackend)
testInterrupts(durableObjectBackend)
testCosts(durableObjectBackend)
