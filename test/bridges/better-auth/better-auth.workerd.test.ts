import { durableObjectBackend } from '../support/durable-object.ts'
import { testBetterAuth } from './auth.cases.ts'
import { testSecondaryStorage } from './cases.ts'

testSecondaryStorage(durableObjectBackend)
testBetterAuth(durableObjectBackend)
