import { memoryBackend } from '../support/memory.ts'
import { testChatState } from './state-cases.ts'

testChatState(memoryBackend)
