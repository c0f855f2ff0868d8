import { indexeddbBackend } from '../support/indexeddb.ts'
import { testGraphs } from './graph-cases.ts'
import { testSaver } from './saver-cases.ts'

testSaver(indexeddbBackend)
testGraphs(indexeddbBackend)
