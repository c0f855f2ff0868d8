import { indexeddbBackend } from '../support/indexeddb.ts'
import { testBetterAuth } from './cases.ts'

testBetterAuth(indexeddbBackend)
