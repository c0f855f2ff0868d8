import { type Checkpoint, emptyCheckpoint, uuid6 } from '@langchain/langgraph-checkpoint'
import { expect, test, vi } from 'vitest'
import { CheckpointSaver } from '../../../bridges/langgraph.ts'
import { type OperationRecord, StorageRuntime } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

function createCheckpoint(step: number): Checkpoint {
  const versions = { a: step + 1, b: 1 }
  return {
    ...emptyCheckpoint(),
    id: uuid6(step),
    channel_values: { a: step, b: 'b' },
    channel_versions: versions,
  }
}

/** Tests what a saver costs in calls to the backend, on a thread of 200 checkpoints. */
export function testCosts(backend: BridgeBackend): void {
  describeBridge('langgraph', backend, () => {
    test('each step of a thread costs a few calls, however long the thread is', async () => {
      const records: OperationRecord[] = []
      const runtime = new StorageRuntime(backend.createPlugin(), {
        onOperation: (record) => records.push(record),
      })
      const store = await runtime.open(`costs-${crypto.randomUUID()}`)
      const saver = new CheckpointSaver(store)
      const listings = vi.spyOn(store, 'values')
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      const put = async (step: number) =>
        saver.put(
          thread,
          createCheckpoint(step),
          { source: 'loop', step, parents: {} },
          { a: step + 1, b: 1 },
        )
      for (let step = 0; step < 200; step++) await put(step)

      const measure = async (call: () => Promise<unknown>): Promise<number[]> => {
        records.length = 0
        await call()
        return records.map(({ keys }) => keys)
      }
      // The checkpoint and two values.
      expect(await measure(async () => put(200))).toEqual([3])
      const config = { configurable: { ...thread.configurable, checkpoint_id: uuid6(0) } }
      const writeThree = async () =>
        Promise.all(['x', 'y', 'z'].map(async (task) => saver.putWrites(config, [['a', 1]], task)))
      expect(await measure(writeThree)).toEqual([3])
      // The tasks have written before: one more call, or a read and a write.
      expect((await measure(writeThree)).length).toBeLessThanOrEqual(3)
      // A listing of one checkpoint, then its two values beside a listing of its writes.
      expect(await measure(async () => saver.getTuple(thread))).toEqual([1, 2, 0])
      expect(listings).toHaveBeenCalledWith(expect.objectContaining({ limit: 1 }))
      const listTwo = async (): Promise<void> => {
        const ids: string[] = []
        for await (const { checkpoint } of saver.list(thread, { limit: 2 })) ids.push(checkpoint.id)
        expect(ids).toHaveLength(2)
      }
      // A listing of two checkpoints, and for each what getTuple() reads.
      expect((await measure(listTwo)).toSorted((a, b) => a - b)).toEqual([0, 0, 2, 2, 2])
      expect(listings).toHaveBeenCalledWith(expect.objectContaining({ limit: 2 }))
      await runtime.close()
    })
  })
}
