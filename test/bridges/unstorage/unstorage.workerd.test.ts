import { durableObjectBackend } from '../support/durable-object.ts'
import { testUnstorage } from './cases.ts'

testUnstorage(durableObjectBackend)
