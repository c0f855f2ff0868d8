import { AsyncLocalStorage } from 'node:async_hooks'
import { setTracingContextStorage } from '@openai/agents'
import { durableObjectBackend } from '../support/durable-object.ts'
import { testRuns } from './agent-cases.ts'
import { testSession } from './cases.ts'
import { testTransactions } from './transaction-cases.ts'

type TracingStorage = NonNullable<Parameters<typeof setTracingContextStorage>[0]>

// workerd has no enterWith(). The SDK's export condition `workerd` brings this replacement, but the
// test runner resolves the condition `node`.
class WorkerdStorage extends AsyncLocalStorage<unknown> {
  override enterWith(context: unknown): void {
    this.run(context, () => {})
  }
}
setTracingContextStorage(new WorkerdStorage() as TracingStorage)

testSession(durableObjectBackend)
testTransactions(durableObjectBackend)
testRuns(durableObjectBackend)
