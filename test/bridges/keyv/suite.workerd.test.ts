import { durableObjectBackend } from '../support/durable-object.ts'
import { testSuite } from './suite.ts'

testSuite(durableObjectBackend)
