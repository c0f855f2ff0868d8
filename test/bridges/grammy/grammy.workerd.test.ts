import { durableObjectBackend } from '../support/durable-object.ts'
import { testConcurrentUpdates } from './concurrency-cases.ts'

testConcurrentUpdates(durableObjectBackend)
