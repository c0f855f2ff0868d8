import { indexeddbBackend } from '../support/indexeddb.ts'
import { testChatState } from './state-cases.ts'

testChatState(indexeddbBackend)
