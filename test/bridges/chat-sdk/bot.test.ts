import { memoryBackend } from '../support/memory.ts'
import { testChatBot } from './bot-cases.ts'

testChatBot(memoryBackend)
