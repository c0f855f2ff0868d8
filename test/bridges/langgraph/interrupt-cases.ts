import { Annotation, Command, interrupt, START, StateGraph } from '@langchain/langgraph'
import { expect, test } from 'vitest'
import { CheckpointSaver } from '../../../bridges/langgraph.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (left, right) => [...left, ...right], default: () => [] }),
})

const thread = { configurable: { thread_id: 'thread' } }

/** Tests `interrupt()`, which needs AsyncLocalStorage and so does not run in a page. */
export function testInterrupts(backend: BridgeBackend): void {
  describeBridge('langgraph', backend, ({ openAll }) => {
    async function createSavers(count: number): Promise<CheckpointSaver[]> {
      return (await openAll(count)).map((store) => new CheckpointSaver(store))
    }

    test('a graph that one client interrupted goes on in another', async () => {
      const graphs = (await createSavers(3)).map((checkpointer) =>
        new StateGraph(State)
          .addNode('ask', () => ({
            log: [`first ${interrupt('first?')}`, `second ${interrupt('second?')}`],
          }))
          .addEdge(START, 'ask')
          .compile({ checkpointer }),
      )
      const asked: unknown = await graphs[0]!.invoke({ log: [] }, thread)
      expect(asked).toMatchObject({ __interrupt__: [{ value: 'first?' }] })
      const again: unknown = await graphs[1]!.invoke(new Command({ resume: 'one' }), thread)
      expect(again).toMatchObject({ __interrupt__: [{ value: 'second?' }] })
      const done = await graphs[2]!.invoke(new Command({ resume: 'two' }), thread)
      expect(done.log).toEqual(['first one', 'second two'])
    })

    test('a subgraph keeps its checkpoints in a namespace of its own', async () => {
      const [first, second] = (await createSavers(2)).map((checkpointer) => {
        const inner = new StateGraph(State)
          .addNode('ask', () => ({ log: [`${interrupt('name?')}`] }))
          .addEdge(START, 'ask')
          .compile()
        return new StateGraph(State)
          .addNode('inner', inner)
          .addEdge(START, 'inner')
          .compile({ checkpointer })
      })
      await first!.invoke({ log: ['in'] }, thread)
      const { log } = await second!.invoke(new Command({ resume: 'Ann' }), thread)
      expect(log).toContain('Ann')
    })
  })
}
