import { durableObjectBackend } from '../support/durable-object.ts'
import { testAI } from './ai-cases.ts'
import { testAstro } from './astro-cases.ts'
import { testWebStorage } from './cases.ts'
import { testQuery } from './query-cases.ts'
import { testReduxPersist } from './redux-persist-cases.ts'
import { testZustand } from './zustand-cases.ts'

testWebStorage(durableObjectBackend)
testZustand(durableObjectBackend)
testQuery(durableObjectBackend)
testAI(durableObjectBackend)
testReduxPersist(durableObjectBackend)
testAstro(durableObjectBackend)
