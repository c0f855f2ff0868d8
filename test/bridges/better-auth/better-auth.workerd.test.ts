import { durableObjectBackend } from '../support/durable-object.ts'
import { testBetterAuth } from './cases.ts'

testBetterAuth(durableObjectBackend)
