import { durableObjectBackend } from '../support/durable-object.ts'
import { testChatBot } from './bot-cases.ts'

testChatBot(durableObjectBackend)
