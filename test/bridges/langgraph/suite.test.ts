import { memoryBackend } from '../support/memory.ts'
import { runUpstreamSuite } from './suite.ts'

runUpstreamSuite(memoryBackend)
