import { durableObjectBackend } from '../support/durable-object.ts'
import { testGrammy } from './cases.ts'

testGrammy(durableObjectBackend)
