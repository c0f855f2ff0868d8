import { durableObjectBackend } from '../support/durable-object.ts'
import { testChatState } from './state-cases.ts'

testChatState(durableObjectBackend)
