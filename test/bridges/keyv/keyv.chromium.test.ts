import { indexeddbBackend } from '../support/indexeddb.ts'
import { testKeyv } from './cases.ts'
import { testKeyvRules } from './rules.cases.ts'

testKeyv(indexeddbBackend)
testKeyvRules(indexeddbBackend)
