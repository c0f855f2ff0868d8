import { indexeddbBackend } from '../support/indexeddb.ts'
import { runUpstreamSuite } from './suite.ts'

runUpstreamSuite(indexeddbBackend)
