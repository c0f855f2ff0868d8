import { indexeddbBackend } from '../support/indexeddb.ts'
import { testConcurrentUpdates } from './concurrency-cases.ts'

testConcurrentUpdates(indexeddbBackend)
