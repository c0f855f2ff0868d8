import { indexeddbBackend } from '../support/indexeddb.ts'
import { testGrammy } from './cases.ts'

testGrammy(indexeddbBackend)
