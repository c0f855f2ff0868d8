import { indexeddbBackend } from '../support/indexeddb.ts'
import { testSuite } from './suite.ts'

testSuite(indexeddbBackend)
