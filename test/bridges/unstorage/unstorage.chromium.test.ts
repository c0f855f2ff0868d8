import { indexeddbBackend } from '../support/indexeddb.ts'
import { testUnstorage } from './cases.ts'

testUnstorage(indexeddbBackend)
