import { indexeddbBackend } from '../support/indexeddb.ts'
import { testSecondaryStorage } from './cases.ts'

testSecondaryStorage(indexeddbBackend)
