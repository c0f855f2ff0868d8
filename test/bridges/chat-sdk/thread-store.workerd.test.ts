import { durableObjectBackend } from '../support/durable-object.ts'
import { testThreadStores } from './thread-store-cases.ts'

testThreadStores(durableObjectBackend)
