import { durableObjectBackend } from '../support/durable-object.ts'
import { runUpstreamSuite } from './suite.ts'

runUpstreamSuite(durableObjectBackend)
