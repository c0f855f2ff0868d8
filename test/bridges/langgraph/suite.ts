import { deltaChannelHistoryTests, specTest } from '@langchain/langgraph-checkpoint-validation'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CheckpointSaver } from '../../../bridges/langgraph.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

// Upstream's suite calls the test runner's functions as globals.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it })

/** Runs upstream's suite, without its list of known failures: it goes by the savers' names. */
export function runUpstreamSuite(backend: BridgeBackend): void {
  describeBridge('langgraph', backend, ({ open }) => {
    const initializer = {
      checkpointerName: 'CheckpointSaver',
      createCheckpointer: async () => new CheckpointSaver(await open()),
    }
    specTest(initializer)
    deltaChannelHistoryTests(initializer)
  })
}
