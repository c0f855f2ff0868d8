import {
  type Checkpoint,
  type CheckpointTuple,
  emptyCheckpoint,
  ERROR,
  MemorySaver,
  RESUME,
  uuid6,
} from '@langchain/langgraph-checkpoint'
import { expect, test } from 'vitest'
import { CheckpointSaver } from '../../../bridges/langgraph.ts'
import { type BridgeBackend, describeBridge, recordLostUpdates } from '../support/bridge.ts'

const metadata = { source: 'loop', step: 0, parents: {} } as const

function createCheckpoint(values: Record<string, unknown> = {}): Checkpoint {
  const versions = Object.fromEntries(Object.keys(values).map((channel) => [channel, 1]))
  return { ...emptyCheckpoint(), id: uuid6(0), channel_values: values, channel_versions: versions }
}

async function collect(tuples: AsyncIterable<CheckpointTuple>): Promise<string[]> {
  const ids: string[] = []
  for await (const { checkpoint } of tuples) ids.push(checkpoint.id)
  return ids
}

export function testSaver(backend: BridgeBackend): void {
  describeBridge('langgraph', backend, ({ open, openAll }) => {
    test('100 concurrent tasks of ten clients keep all of their writes', async (context) => {
      const clients = (await openAll(10)).map((store) => new CheckpointSaver(store))
      // Each Worker or tab has a MemorySaver of its own.
      const theirs = clients.map(() => new MemorySaver())
      const checkpoint = createCheckpoint()
      const counts = await Promise.all(
        [clients, theirs].map(async (savers) => {
          const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
          const config = await savers[0]!.put(thread, checkpoint, metadata, {})
          await Promise.all(
            Array.from({ length: 100 }, async (_, index) =>
              savers[index % 10]!.putWrites(config, [['channel', index]], `task-${index}`),
            ),
          )
          const tuple = await savers[0]!.getTuple(config)
          return new Set(tuple!.pendingWrites!.map(([, , value]) => value)).size
        }),
      )
      const [lost, lostByUpstream] = counts.map((count) => 100 - count)
      recordLostUpdates(context, {
        updates: 100,
        ours: lost!,
        theirs: lostByUpstream!,
        theirName: 'MemorySaver',
      })
      expect(lost).toBe(0)
      expect(lostByUpstream).toBeGreaterThan(0)
    })

    test('the first write with an index is kept, and the last one to a special channel', async () => {
      const clients = (await openAll(2)).map((store) => new CheckpointSaver(store))
      const results = [...clients, new MemorySaver()].map(async (saver, index, { length }) => {
        const thread_id = index === length - 1 ? 'theirs' : `ours-${index}`
        const config = await saver.put(
          { configurable: { thread_id, checkpoint_ns: '' } },
          createCheckpoint(),
          metadata,
          {},
        )
        await saver.putWrites(config, [['a', 1]], 'task')
        await saver.putWrites(
          config,
          [
            ['b', 2],
            ['c', 3],
          ],
          'task',
        )
        await saver.putWrites(config, [[ERROR, 'first']], 'task')
        await saver.putWrites(
          config,
          [
            [RESUME, 'first'],
            [ERROR, 'second'],
          ],
          'task',
        )
        return (await saver.getTuple(config))!.pendingWrites
      })
      const [ours, ofSecond, theirs] = await Promise.all(results)
      expect(ours).toEqual(theirs)
      expect(ofSecond).toEqual(theirs)
      expect(ours).toContainEqual(['task', 'a', 1])
      expect(ours).not.toContainEqual(['task', 'b', 2])
    })

    test('concurrent calls of ten clients for one task keep each of its indices once', async () => {
      const clients = (await openAll(10)).map((store) => new CheckpointSaver(store))
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      const config = await clients[0]!.put(thread, createCheckpoint(), metadata, {})
      await Promise.all(
        clients.map(async (saver, client) => {
          const writes = Array.from({ length: 10 - client }, (_, index): [string, number] => [
            'a',
            index,
          ])
          await saver.putWrites(config, writes, 'task')
        }),
      )
      const { pendingWrites } = (await clients[0]!.getTuple(config))!
      expect(pendingWrites!.map(([, , value]) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    })

    test('a task that repeats its writes to a checkpoint 50 times takes no more space', async () => {
      const [store] = await openAll(1)
      const saver = new CheckpointSaver(store!)
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      const config = await saver.put(thread, createCheckpoint(), metadata, {})
      const measure = async (): Promise<number> => {
        let bytes = 0
        for await (const value of store!.values()) bytes += JSON.stringify(value).length
        return bytes
      }
      const repeat = async (): Promise<void> => {
        await saver.putWrites(config, [['a', 'x'.repeat(1000)]], 'task')
        await saver.putWrites(config, [[ERROR, 'y'.repeat(1000)]], 'task')
      }
      await repeat()
      const once = await measure()
      for (let round = 1; round < 50; round++) await repeat()
      expect(await measure()).toBe(once)
      expect((await saver.getTuple(config))!.pendingWrites).toHaveLength(2)
    })

    test('pending writes have the order of task paths, task identifiers and indices', async () => {
      const savers = [new CheckpointSaver(await open()), new MemorySaver()]
      const results = savers.map(async (saver) => {
        const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
        const config = await saver.put(thread, createCheckpoint(), metadata, {})
        const many = Array.from({ length: 12 }, (_, index): [string, number] => ['a', index])
        await saver.putWrites(config, [['a', 'path 2']], 'task-1', '~2')
        await saver.putWrites(config, [['a', 'emoji']], 'task-\u{1F600}', '~1')
        await saver.putWrites(config, [['a', 'private']], 'task-\uE000', '~1')
        await saver.putWrites(config, [['a', 'path 10']], 'task-0', '~10')
        await saver.putWrites(config, many, 'task-9')
        return (await saver.getTuple(config))!.pendingWrites!.map(([, , value]) => value)
      })
      const [ours, theirs] = await Promise.all(results)
      expect(ours).toEqual(theirs)
      expect(ours!.slice(0, 12)).toEqual(Array.from({ length: 12 }, (_, index) => index))
    })

    test('list() gives the newest first, and obeys before, limit, filter and checkpoint_id', async () => {
      const saver = new CheckpointSaver(await open())
      const ids: string[] = []
      let config = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      for (let step = 0; step < 12; step++) {
        const checkpoint = { ...createCheckpoint(), id: uuid6(step) }
        ids.unshift(checkpoint.id)
        const saved = await saver.put(config, checkpoint, { ...metadata, step: step % 3 }, {})
        config = saved as typeof config
      }
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      const everyNamespace = { configurable: { thread_id: 'thread' } }
      const before = { configurable: { checkpoint_id: ids[4]! } }
      for (const of of [thread, everyNamespace, {}]) {
        expect(await collect(saver.list(of))).toEqual(ids)
        expect(await collect(saver.list(of, { limit: 5 }))).toEqual(ids.slice(0, 5))
        expect(await collect(saver.list(of, { limit: 0 }))).toEqual([])
        expect(await collect(saver.list(of, { before, limit: 3 }))).toEqual(ids.slice(5, 8))
        expect(
          await collect(saver.list(of, { filter: { step: 1, source: 'loop' }, limit: 2 })),
        ).toEqual([ids[1], ids[4]])
      }
      const one = { configurable: { ...thread.configurable, checkpoint_id: ids[7]! } }
      expect(await collect(saver.list(one))).toEqual([ids[7]])
      expect((await saver.getTuple(thread))!.parentConfig!.configurable).toMatchObject({
        checkpoint_id: ids[1],
      })
    })

    test('identifiers of any text do not collide, and deleteThread() removes one thread', async () => {
      const saver = new CheckpointSaver(await open())
      const ids = ['a', 'a/c', 'a%2Fc', '__proto__', 'a0', 'a/c/a', 'é', '\u{1F600}', '%']
      const addresses = ids.flatMap((thread_id) =>
        ['', 'a', 'c/a', '__proto__'].map((checkpoint_ns) => ({ thread_id, checkpoint_ns })),
      )
      for (const configurable of addresses) {
        const value = JSON.stringify(configurable)
        const config = await saver.put(
          { configurable },
          createCheckpoint({ [value]: value, 'a/b': value }),
          metadata,
          { [value]: 1, 'a/b': 1 },
        )
        await saver.putWrites(config, [['a/b', value]], 'task/1')
      }
      await saver.deleteThread('a')
      await saver.deleteThread('%')
      for (const configurable of addresses) {
        const tuple = await saver.getTuple({ configurable })
        if (['a', '%'].includes(configurable.thread_id)) {
          expect(tuple).toBeUndefined()
          continue
        }
        const value = JSON.stringify(configurable)
        expect(tuple!.checkpoint.channel_values).toEqual({ [value]: value, 'a/b': value })
        expect(tuple!.pendingWrites).toEqual([['task/1', 'a/b', value]])
      }
      expect(await collect(saver.list({}))).toHaveLength(7 * 4)
    })

    test('list() of all threads ends, although other keys are in the store', async () => {
      const store = await open()
      const saver = new CheckpointSaver(store)
      await saver.put({ configurable: { thread_id: 'm' } }, createCheckpoint({}), metadata, {})
      const foreign = ['', '/', '/x', '0', 'a', 'mine', 'm', 'm0', 'zzz', '100%/x', 'next/x', '%2F']
      await store.setMany(new Map(foreign.map((key) => [key, 5])))
      expect(await collect(saver.list({}))).toHaveLength(1)
    })

    test('deleteThread() leaves nothing of the thread in the store', async () => {
      const store = await open()
      const saver = new CheckpointSaver(store)
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: 'a' } }
      const config = await saver.put(thread, createCheckpoint({ a: 1 }), metadata, { a: 1 })
      await saver.putWrites(config, [['a', 2]], 'task')
      expect(await store.size()).toBe(3)
      await saver.deleteThread('thread')
      expect(await store.size()).toBe(0)
    })

    test('a value is stored once for each version, and a default with its checkpoint', async () => {
      const store = await open()
      const saver = new CheckpointSaver(store)
      let config = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      for (let step = 0; step < 3; step++) {
        const checkpoint = { ...createCheckpoint({ a: 'a' }), id: uuid6(step) }
        checkpoint.channel_values['unwritten'] = [step]
        const saved = await saver.put(config, checkpoint, metadata, step === 0 ? { a: 1 } : {})
        config = saved as typeof config
      }
      expect((await saver.getTuple(config))!.checkpoint.channel_values).toEqual({
        a: 'a',
        unwritten: [2],
      })
      expect(await store.size()).toBe(4)
    })

    test('put() stores the values that newVersions names, and MemorySaver all', async () => {
      const savers = [new CheckpointSaver(await open()), new MemorySaver()]
      const checkpoint = createCheckpoint({ a: 'a', b: 'b' })
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      const read = savers.map(async (saver) => {
        // MemorySaver takes no newVersions.
        await Reflect.apply(saver.put, saver, [thread, checkpoint, metadata, { a: 1 }])
        return (await saver.get(thread))!.channel_values
      })
      expect(await Promise.all(read)).toEqual([{ a: 'a' }, { a: 'a', b: 'b' }])
    })

    test('put() keeps a value whose version differs in newVersions, or is only there', async () => {
      const saver = new CheckpointSaver(await open())
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      const checkpoint = createCheckpoint({ a: 'a' })
      checkpoint.channel_values['b'] = 'b'
      await saver.put(thread, checkpoint, metadata, { a: 2, b: 1 })
      expect((await saver.get(thread))!.channel_values).toEqual({ a: 'a', b: 'b' })
    })

    test('put() takes a checkpoint without values, as MemorySaver does', async () => {
      for (const saver of [new CheckpointSaver(await open()), new MemorySaver()]) {
        const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
        const { channel_values: _, channel_versions: __, ...rest } = createCheckpoint()
        await saver.put(thread, rest as Checkpoint, metadata, {})
        expect(await saver.get(thread)).toMatchObject({ id: rest.id, channel_values: {} })
      }
    })

    test('getTuple() takes thread_ts for checkpoint_id, as MemorySaver does', async () => {
      for (const saver of [new CheckpointSaver(await open()), new MemorySaver()]) {
        const thread = { thread_id: 'thread', checkpoint_ns: '' }
        const first = { ...createCheckpoint(), id: uuid6(1) }
        for (const each of [first, { ...first, id: uuid6(2) }]) {
          await saver.put({ configurable: thread }, each, metadata, {})
        }
        const read = await saver.get({ configurable: { ...thread, thread_ts: first.id } })
        expect(read!.id).toBe(first.id)
      }
    })

    test('a checkpoint whose parent has an empty identifier has none', async () => {
      const saver = new CheckpointSaver(await open())
      const thread = { configurable: { thread_id: 'thread', checkpoint_id: '' } }
      await saver.put(thread, createCheckpoint(), metadata, {})
      expect((await saver.getTuple(thread))!.parentConfig).toBeUndefined()
    })

    test('the newest checkpoint is that of the greatest identifier, with any characters in it', async () => {
      const saver = new CheckpointSaver(await open())
      const thread = { configurable: { thread_id: 'a/b', checkpoint_ns: 'c/d' } }
      const ids = ['a$', 'a%', 'a&', 'a-', 'a/', 'a0']
      for (const id of ids) await saver.put(thread, { ...createCheckpoint(), id }, metadata, {})
      expect(await collect(saver.list(thread))).toEqual(ids.toReversed())
      const before = { configurable: { checkpoint_id: 'a/' } }
      expect(await collect(saver.list(thread, { before, limit: 2 }))).toEqual(['a-', 'a&'])
      expect((await saver.getTuple(thread))!.checkpoint.id).toBe('a0')
    })

    test('a checkpoint that does not fit is refused whole', async () => {
      const store = await open()
      const { maxValueBytes } = store.traits
      if (maxValueBytes > 10_000_000) return
      const saver = new CheckpointSaver(store)
      const values = { small: 'a', large: 'x'.repeat(maxValueBytes) }
      const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } }
      await expect(
        saver.put(thread, createCheckpoint(values), metadata, { small: 1, large: 1 }),
      ).rejects.toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
      expect(await store.size()).toBe(0)
    })
  })
}
