import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages'
import {
  Annotation,
  type LangGraphRunnableConfig,
  MemorySaver,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph'
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint'
import { expect, test } from 'vitest'
import { CheckpointSaver } from '../../../bridges/langgraph.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (left, right) => [...left, ...right], default: () => [] }),
})

function toThread(thread_id: string): { configurable: { thread_id: string } } {
  return { configurable: { thread_id } }
}

/** Compiles a graph of one node. */
function compileAnswer(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(State)
    .addNode('answer', () => ({ log: ['answer'] }))
    .addEdge(START, 'answer')
    .compile({ checkpointer })
}

/** Tests the saver in real graphs, whose clients are Workers or tabs that share a thread. */
export function testGraphs(backend: BridgeBackend): void {
  describeBridge('langgraph', backend, ({ openAll }) => {
    async function createSavers(count: number): Promise<CheckpointSaver[]> {
      return (await openAll(count)).map((store) => new CheckpointSaver(store))
    }

    test('100 threads that ten clients run are known to each of them', async () => {
      const ours = (await createSavers(10)).map(compileAnswer)
      const theirs = Array.from({ length: 10 }, () => compileAnswer(new MemorySaver()))
      const [kept, keptByUpstream] = await Promise.all(
        [ours, theirs].map(async (graphs) => {
          const threads = Array.from({ length: 100 }, (_, index) => toThread(`thread-${index}`))
          await Promise.all(
            threads.map(async (thread, index) =>
              graphs[index % 10]!.invoke({ log: ['question'] }, thread),
            ),
          )
          const states = await Promise.all(
            threads.map(async (thread) => graphs[0]!.getState(thread)),
          )
          return states.filter(({ values }) => values.log?.length === 2).length
        }),
      )
      expect(kept).toBe(100)
      expect(keptByUpstream).toBeLessThan(100)
    })

    test('a graph that one client paused goes on in another', async () => {
      const graphs = (await createSavers(3)).map((checkpointer) =>
        new StateGraph(State)
          .addNode('a', () => ({ log: ['a'] }))
          .addNode('b', () => ({ log: ['b'] }))
          .addEdge(START, 'a')
          .addEdge('a', 'b')
          .compile({ checkpointer, interruptBefore: ['b'] }),
      )
      const thread = toThread('thread')
      expect((await graphs[0]!.invoke({ log: ['in'] }, thread)).log).toEqual(['in', 'a'])
      expect((await graphs[1]!.getState(thread)).next).toEqual(['b'])
      await graphs[1]!.updateState(thread, { log: ['approved'] })
      expect((await graphs[2]!.invoke(null, thread)).log).toEqual(['in', 'a', 'approved', 'b'])
    })

    test('after an error, another client runs only the parallel tasks that failed', async () => {
      const runs: number[] = []
      let isDown = true
      const graphs = (await createSavers(2)).map((checkpointer) =>
        new StateGraph(State)
          .addNode('fan', () => ({}))
          .addNode('work', ({ task }: { task: number }) => {
            if (task === 7 && isDown) throw new Error('down')
            runs.push(task)
            return { log: [`${task}`] }
          })
          .addConditionalEdges('fan', () =>
            Array.from({ length: 100 }, (_, task) => new Send('work', { task })),
          )
          .addEdge(START, 'fan')
          .compile({ checkpointer }),
      )
      const thread = toThread('thread')
      await expect(graphs[0]!.invoke({ log: [] }, thread)).rejects.toThrow('down')
      isDown = false
      const { log } = await graphs[1]!.invoke(null, thread)
      expect(log).toEqual(Array.from({ length: 100 }, (_, task) => `${task}`))
      expect(runs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, task) => task))
    })

    test('messages keep their classes', async () => {
      const [first, second] = (await createSavers(2)).map((checkpointer) =>
        new StateGraph(MessagesAnnotation)
          .addNode('answer', ({ messages }) => ({
            messages: [new AIMessage(`${messages.length} messages`)],
          }))
          .addEdge(START, 'answer')
          .compile({ checkpointer }),
      )
      const thread = toThread('thread')
      await first!.invoke({ messages: [new HumanMessage('Hello')] }, thread)
      const { messages } = await second!.invoke({ messages: [new HumanMessage('Bye')] }, thread)
      expect(messages.map(({ text }: BaseMessage) => text)).toEqual([
        'Hello',
        '1 messages',
        'Bye',
        '3 messages',
      ])
      expect(messages[0]).toBeInstanceOf(HumanMessage)
      expect(messages[1]).toBeInstanceOf(AIMessage)
    })

    test('two branches from one checkpoint keep values of their own', async () => {
      const [first, second] = (await createSavers(2)).map((checkpointer) =>
        new StateGraph(State)
          .addNode('note', ({ log }) => ({ log: [`${log.at(-1)}!`] }))
          .addEdge(START, 'note')
          .compile({ checkpointer }),
      )
      const thread = toThread('thread')
      await first!.invoke({ log: ['base'] }, thread)
      const { config: base } = await first!.getState(thread)
      const left = await first!.updateState(base, { log: ['left'] })
      const right = await second!.updateState(base, { log: ['right'] })
      const read = async (config: LangGraphRunnableConfig): Promise<unknown> =>
        (await first!.getState(config)).values
      expect(await read(left)).toEqual({ log: ['base', 'base!', 'left'] })
      expect(await read(right)).toEqual({ log: ['base', 'base!', 'right'] })
    })

    test('two runs of one thread at the same time are branches, and one of them counts', async () => {
      const graphs = (await createSavers(2)).map(compileAnswer)
      const thread = toThread('thread')
      await graphs[0]!.invoke({ log: ['base'] }, thread)
      const results = await Promise.all(
        graphs.map(async (graph, index) => (await graph.invoke({ log: [`${index}`] }, thread)).log),
      )
      const branches = ['0', '1'].map((question) => ['base', 'answer', question, 'answer'])
      expect(results).toEqual(branches)
      const { values } = await graphs[0]!.getState(thread)
      expect(branches).toContainEqual(values.log)
    })

    test("a store's error rejects the run of a graph unchanged", async () => {
      const [store] = await openAll(1)
      const graph = compileAnswer(new CheckpointSaver(store!))
      await store!.close()
      await expect(graph.invoke({ log: [] }, toThread('thread'))).rejects.toThrow(
        expect.objectContaining({ code: 'STORE_NOT_OPEN' }),
      )
    })

    test('getStateHistory() lists the states, newest first, with those of one client', async () => {
      const [first, second] = (await createSavers(2)).map((checkpointer) =>
        new StateGraph(State)
          .addNode('a', () => ({ log: ['a'] }))
          .addNode('b', () => ({ log: ['b'] }))
          .addEdge(START, 'a')
          .addEdge('a', 'b')
          .compile({ checkpointer }),
      )
      const thread = toThread('thread')
      await first!.invoke({ log: ['in'] }, thread)
      const states: unknown[] = []
      for await (const { values, next } of second!.getStateHistory(thread)) {
        states.push([values.log, next])
      }
      expect(states).toEqual([
        [['in', 'a', 'b'], []],
        [['in', 'a'], ['b']],
        [['in'], ['a']],
        [[], ['__start__']],
      ])
    })
  })
}
