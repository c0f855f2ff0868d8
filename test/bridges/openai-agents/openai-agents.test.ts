import { memoryBackend } from '../support/memory.ts'
import { testRuns } from './agent-cases.ts'
import { testSession } from './cases.ts'
import { testTransactions } from './transaction-cases.ts'

testSession(memoryBackend)
testTransactions(memoryBackend)
testRuns(memoryBackend)
