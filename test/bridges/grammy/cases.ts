import type { BridgeBackend } from '../support/bridge.ts'
import { testConcurrentUpdates } from './concurrency-cases.ts'
import { testPure } from './pure-cases.ts'
import { testSession } from './session-cases.ts'
import { testSteps } from './step-cases.ts'
import { testStorageAdapter } from './storage-cases.ts'

export function testGrammy(backend: BridgeBackend): void {
  testConcurrentUpdates(backend)
  testSession(backend)
  testPure(backend)
  testSteps(backend)
  testStorageAdapter(backend)
}
