import { memoryBackend } from '../support/memory.ts'
import { testAI } from './ai-cases.ts'
import { testAstro } from './astro-cases.ts'
import { testWebStorage } from './cases.ts'
import { testQuery } from './query-cases.ts'
import { testReduxPersist } from './redux-persist-cases.ts'
import { testZustand } from './zustand-cases.ts'
import { testZustandInPage } from './zustand-page-cases.ts'

testWebStorage(memoryBackend)
testZustand(memoryBackend)
testZustandInPage(memoryBackend)
testQuery(memoryBackend)
testAI(memoryBackend)
testReduxPersist(memoryBackend)
testAstro(memoryBackend)
