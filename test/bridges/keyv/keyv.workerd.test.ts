import { durableObjectBackend } from '../support/durable-object.ts'
import { testKeyv } from './cases.ts'
import { testKeyvRules } from './rules.cases.ts'

testKeyv(durableObjectBackend)
testKeyvRules(durableObjectBackend)
