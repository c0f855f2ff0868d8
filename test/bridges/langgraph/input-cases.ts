import {
  type Checkpoint,
  type CheckpointTuple,
  emptyCheckpoint,
  uuid6,
} from '@langchain/langgraph-checkpoint'
import { expect, test } from 'vitest'
import { CheckpointSaver } from '../../../bridges/langgraph.ts'
import { type OperationRecord, StorageRuntime } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'

const metadata = { source: 'loop', step: 0, parents: {} } as const

function createCheckpoint(): Checkpoint {
  return { ...emptyCheckpoint(), id: uuid6(0) }
}

async function collect(tuples: AsyncIterable<CheckpointTuple>): Promise<string[]> {
  const ids: string[] = []
  for await (const { checkpoint } of tuples) ids.push(checkpoint.id)
  return ids
}

/** Tests what a saver refuses. */
export function testInput(backend: BridgeBackend): void {
  describeBridge('langgraph', backend, ({ open }) => {
    test('wrong identifiers are refused before any I/O', async () => {
      const records: OperationRecord[] = []
      const runtime = new StorageRuntime(backend.createPlugin(), {
        onOperation: (record) => records.push(record),
      })
      const store = await runtime.open(`refused-${crypto.randomUUID()}`)
      const saver = new CheckpointSaver(store)
      const checkpoint = createCheckpoint()
      const refused = expect.objectContaining({ code: 'INVALID_VALUE' })
      for (const configurable of [
        {},
        { thread_id: '' },
        { thread_id: 7 },
        { thread_id: 'a', checkpoint_ns: 7 },
        { thread_id: 'a', checkpoint_id: 7 },
      ]) {
        await expect(saver.put({ configurable }, checkpoint, metadata, {})).rejects.toThrow(refused)
        const config = { configurable: { checkpoint_id: 'a', ...configurable } }
        await expect(saver.putWrites(config, [['a', 1]], 'task')).rejects.toThrow(refused)
      }
      for (const checkpoint_id of [undefined, '', 7]) {
        const config = { configurable: { thread_id: 'a', checkpoint_id } }
        await expect(saver.putWrites(config, [['a', 1]], 'task')).rejects.toThrow(refused)
        const parent = { configurable: { thread_id: 'a', checkpoint_id: 'parent' } }
        const wrong = { ...checkpoint, id: checkpoint_id as string }
        await expect(saver.put(parent, wrong, metadata, {})).rejects.toThrow(refused)
      }
      for (const versions of [undefined, null, 'a']) {
        const put = saver.put(
          { configurable: { thread_id: 'a' } },
          checkpoint,
          metadata,
          versions as never,
        )
        await expect(put).rejects.toThrow(refused)
      }
      const known = { configurable: { thread_id: 'a', checkpoint_id: 'a' } }
      for (const taskId of [undefined, '', 7]) {
        await expect(saver.putWrites(known, [['a', 1]], taskId as string)).rejects.toThrow(refused)
      }
      for (const configurable of [{ thread_id: 7 }, { checkpoint_ns: 7 }, { checkpoint_id: 7 }]) {
        await expect(collect(saver.list({ configurable }))).rejects.toThrow(refused)
      }
      const before = { configurable: { checkpoint_id: 7 } }
      await expect(collect(saver.list({}, { before }))).rejects.toThrow(refused)
      await expect(saver.deleteThread('')).rejects.toThrow(refused)
      await expect(saver.getTuple({ configurable: { thread_id: 7 } })).rejects.toThrow(refused)
      expect(await saver.getTuple({ configurable: {} })).toBeUndefined()
      for (const thread_id of ['\uD800', 'x'.repeat(Math.min(store.traits.maxKeyBytes, 1e6))]) {
        if (thread_id.length === 1e6) continue
        const put = saver.put({ configurable: { thread_id } }, checkpoint, metadata, {})
        await expect(put).rejects.toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
      }
      expect(records.map(({ kind }) => kind)).toEqual(['open'])
      await runtime.close()
    })

    test('the message about a wrong identifier says how to pass that one', async () => {
      const saver = new CheckpointSaver(await open())
      await expect(saver.deleteThread('')).rejects.toThrow(
        'thread_id must be text that is not empty; received "". Pass it to the graph: graph.invoke(',
      )
      const known = { thread_id: 'a', checkpoint_id: 'a' }
      await expect(saver.putWrites({ configurable: known }, [], '')).rejects.toThrow(
        'taskId must be text that is not empty; received "". Pass the one that LangGraph gave.',
      )
      const wrong = { configurable: { ...known, checkpoint_ns: 7 } }
      await expect(saver.getTuple(wrong)).rejects.toThrow(
        'checkpoint_ns must be text; received 7. Pass the one that LangGraph gave.',
      )
    })

    test('a store without atomic steps and what is no store are refused', async () => {
      const weak = await openStoreWithoutAtomicSteps()
      expect(() => new CheckpointSaver(weak)).toThrow(
        expect.objectContaining({ code: 'NOT_ATOMIC' }),
      )
      expect(() => new CheckpointSaver(open() as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_VALUE' }),
      )
    })
  })
}
