import { indexeddbBackend } from '../support/indexeddb.ts'
import { testGraphs } from './graph-cases.ts'
import { testInput } from './input-cases.ts'
import { testSaver } from './saver-cases.ts'

testSaver(indexeddbBackend)
testInput(indexeddbBackend)
testGraphs(indexeddbBackend)
