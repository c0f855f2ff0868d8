import {
  Agent,
  OutputGuardrailTripwireTriggered,
  run,
  setTracingDisabled,
  tool,
  user,
} from '@openai/agents'
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing'
import { expect, test } from 'vitest'
import { agentSession } from '../../../bridges/openai-agents.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

setTracingDisabled(true)

/** Tests sessions in real runs of agents, whose model answers from a script. */
export function testRuns(backend: BridgeBackend): void {
  describeBridge('openai-agents', backend, ({ openAll }) => {
    test('a run of another client continues the conversation', async () => {
      const [first, second] = (await openAll(2)).map((store) => agentSession(store, 'user-7'))
      const model = new ScriptedModel([[assistantMessage('Hello Ann')], [assistantMessage('Ann')]])
      const agent = new Agent({ name: 'Assistant', model })
      await run(agent, 'I am Ann', { session: first! })
      const { finalOutput } = await run(agent, 'Who am I?', { session: second! })
      expect(finalOutput).toBe('Ann')
      expect(model.lastCall!.request.input).toMatchObject([
        { role: 'user', content: 'I am Ann' },
        { role: 'assistant' },
        { role: 'user', content: 'Who am I?' },
      ])
    })

    test('concurrent runs of ten clients in one session keep all of their items', async () => {
      const clients = (await openAll(10)).map((store) => agentSession(store, 'user-7'))
      await Promise.all(
        clients.map(async (session, index) => {
          const model = new ScriptedModel([[assistantMessage(`answer ${index}`)]])
          await run(new Agent({ name: 'Assistant', model }), `question ${index}`, { session })
        }),
      )
      const text = JSON.stringify(await clients[0]!.getItems())
      for (const index of clients.keys()) {
        expect(text).toContain(`"question ${index}"`)
        expect(text).toContain(`"answer ${index}"`)
      }
    })

    test('the calls of tools are kept if a guardrail blocks the output', async () => {
      const [session] = (await openAll(1)).map((store) => agentSession(store, 'user-7'))
      const model = new ScriptedModel([
        [functionCall('pay', { amount: 5 }, { callId: 'call-1' })],
        [assistantMessage('a secret')],
      ])
      const pay = tool({
        name: 'pay',
        description: 'Pays',
        parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
        strict: false,
        execute: async () => 'paid',
      })
      const guardrail = {
        name: 'secrets',
        execute: async () => ({ tripwireTriggered: true, outputInfo: {} }),
      }
      const agent = new Agent({
        name: 'Assistant',
        model,
        tools: [pay],
        outputGuardrails: [guardrail],
      })
      await expect(run(agent, 'Pay', { session: session! })).rejects.toThrow(
        OutputGuardrailTripwireTriggered,
      )
      const items = await session!.getItems()
      expect(items).toMatchObject([
        { role: 'user', content: 'Pay' },
        { type: 'function_call', callId: 'call-1' },
        { type: 'function_call_result', callId: 'call-1' },
      ])
      expect(JSON.stringify(items)).not.toContain('a secret')
    })

    test("a store's error rejects the run of an agent unchanged", async () => {
      const [store] = await openAll(1)
      const session = agentSession(store!, 'user-7')
      await store!.close()
      const agent = new Agent({ name: 'Assistant', model: new ScriptedModel() })
      await expect(run(agent, 'question', { session })).rejects.toThrow(
        expect.objectContaining({ code: 'STORE_NOT_OPEN' }),
      )
    })

    test("a model's compaction replaces the history", async () => {
      const [session] = (await openAll(1)).map((store) => agentSession(store, 'user-7'))
      await session!.addItems([user('long ago'), assistantMessage('Hm')])
      const compaction = { type: 'compaction', encrypted_content: 'short' } as const
      const model = new ScriptedModel([[compaction, assistantMessage('answer')]])
      await run(new Agent({ name: 'Assistant', model }), 'question', { session: session! })
      const items = await session!.getItems()
      expect(items).toMatchObject([compaction, { role: 'assistant' }])
    })
  })
}
