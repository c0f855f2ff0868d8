import { indexeddbBackend } from '../support/indexeddb.ts'
import { testRuns } from './agent-cases.ts'
import { testSession } from './cases.ts'
import { testTransactions } from './transaction-cases.ts'

testSession(indexeddbBackend)
testTransactions(indexeddbBackend)
testRuns(indexeddbBackend)
