import { indexeddbBackend } from '../support/indexeddb.ts'
import { testAI } from './ai-cases.ts'
import { testWebStorage } from './cases.ts'
import { testQuery } from './query-cases.ts'
import { testReduxPersist } from './redux-persist-cases.ts'
import { testZustand } from './zustand-cases.ts'
import { testZustandInPage } from './zustand-page-cases.ts'

testWebStorage(indexeddbBackend)
testZustand(indexeddbBackend)
testZustandInPage(indexeddbBackend)
testQuery(indexeddbBackend)
testAI(indexeddbBackend)
testReduxPersist(indexeddbBackend)
