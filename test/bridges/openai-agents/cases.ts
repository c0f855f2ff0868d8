import { type AgentInputItem, MemorySession, user } from '@openai/agents'
import { expect, test } from 'vitest'
import { agentSession } from '../../../bridges/openai-agents.ts'
import { type OperationRecord, StorageRuntime } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge, recordLostUpdates } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'

const call: AgentInputItem = {
  type: 'function_call',
  callId: 'call-1',
  name: 'pay',
  arguments: '{"amount":5}',
  status: 'completed',
}

function textOf(item: AgentInputItem | undefined): string {
  const [part] =
    item !== undefined && 'content' in item && Array.isArray(item.content) ? item.content : []
  return part !== undefined && 'text' in part ? part.text : ''
}

export function testSession(backend: BridgeBackend): void {
  describeBridge('openai-agents', backend, ({ open, openAll }) => {
    test('100 concurrent addItems() of ten clients are all kept', async (context) => {
      const clients = (await openAll(10)).map((store) => agentSession(store, 'user-7'))
      // Each Worker or tab has a MemorySession of its own.
      const theirs = clients.map(() => new MemorySession({ sessionId: 'user-7' }))
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          await clients[index % 10]!.addItems([user(`${index}`)])
          await theirs[index % 10]!.addItems([user(`${index}`)])
        }),
      )
      const kept = new Set((await clients[0]!.getItems()).map(textOf))
      const keptByUpstream = new Set((await theirs[0]!.getItems()).map(textOf))
      const lost = 100 - kept.size
      const lostByUpstream = 100 - keptByUpstream.size
      recordLostUpdates(context, {
        updates: 100,
        ours: lost,
        theirs: lostByUpstream,
        theirName: 'MemorySession',
      })
      expect(lost).toBe(0)
      expect(lostByUpstream).toBeGreaterThan(0)
    })

    test('the items of one addItems() stay together beside those of other clients', async () => {
      const clients = (await openAll(5)).map((store) => agentSession(store, 'user-7'))
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) =>
          clients[index % 5]!.addItems(['a', 'b', 'c'].map((part) => user(`${index}${part}`))),
        ),
      )
      const texts = (await clients[0]!.getItems()).map(textOf)
      expect(texts).toHaveLength(60)
      for (let index = 0; index < 60; index += 3) {
        const batch = texts[index]!.slice(0, -1)
        expect(texts.slice(index, index + 3)).toEqual([`${batch}a`, `${batch}b`, `${batch}c`])
      }
    })

    test('addItems() one after another keep their order, beyond ten and a hundred items', async () => {
      const session = agentSession(await open(), 'user-7')
      const texts = Array.from({ length: 120 }, (_, index) => `${index}`)
      for (const text of texts.slice(0, 12)) await session.addItems([user(text)])
      await session.addItems(texts.slice(12).map((text) => user(text)))
      expect((await session.getItems()).map(textOf)).toEqual(texts)
    })

    test('popItem() of several clients returns each item once, and then undefined', async () => {
      const clients = (await openAll(5)).map((store) => agentSession(store, 'user-7'))
      const texts = Array.from({ length: 20 }, (_, index) => `${index}`)
      await clients[0]!.addItems(texts.map((text) => user(text)))
      const popped = await Promise.all(
        Array.from({ length: 25 }, async (_, index) => clients[index % 5]!.popItem()),
      )
      const found = popped.filter((item) => item !== undefined).map(textOf)
      expect(found.toSorted((a, b) => Number(a) - Number(b))).toEqual(texts)
      expect(await clients[0]!.getItems()).toEqual([])
    })

    test('the methods give what those of MemorySession give', async () => {
      const sessions = [
        agentSession(await open(), 'user-7'),
        new MemorySession({ sessionId: 'user-7' }),
      ]
      const bytes: AgentInputItem = { ...call, providerData: { raw: new Uint8Array([1, 2]) } }
      const results = sessions.map(async (session) => {
        await session.addItems([])
        await session.addItems([user('a'), call, bytes, user('b')])
        return [
          await session.getSessionId(),
          await session.getItems(),
          await session.getItems(2),
          await session.getItems(9),
          await session.getItems(Infinity),
          await session.getItems(0),
          await session.getItems(-1),
          await session.popItem(),
          await session.popItem(),
          await session.getItems(),
          await session.clearSession(),
          await session.getItems(),
          await session.popItem(),
        ]
      })
      const [ours, theirs] = await Promise.all(results)
      expect(ours).toEqual(theirs)
    })

    test('a session sees nothing of one with another identifier', async () => {
      const store = await open()
      const ids = ['a', 'a/b', 'a%2Fb', 'a/item', '__proto__', 'é']
      const sessions = ids.map((id) => agentSession(store, id))
      await Promise.all(
        sessions.map(async (session, index) => session.addItems([user(ids[index]!)])),
      )
      await sessions[0]!.clearSession()
      const texts = await Promise.all(
        sessions.map(async (session) => (await session.getItems()).map(textOf)),
      )
      expect(texts).toEqual([[], ...ids.slice(1).map((id) => [id])])
    })

    test('items that are added while a session is cleared do not replace later ones', async () => {
      const [first, second] = (await openAll(2)).map((store) => agentSession(store, 'user-7'))
      for (let round = 0; round < 5; round++) {
        await Promise.all([first!.addItems([user('a'), user('b')]), second!.clearSession()])
        const before = await first!.getItems()
        await second!.addItems([user('c')])
        expect(await first!.getItems()).toEqual([...before, user('c')])
      }
    })

    test('an item outside the values of a store is refused, and none of its call is stored', async () => {
      const session = agentSession(await open(), 'user-7')
      const wrong = { ...call, providerData: { callback: () => {} } }
      await expect(session.addItems([user('a'), wrong])).rejects.toThrow(
        expect.objectContaining({ code: 'INVALID_VALUE' }),
      )
      expect(await session.getItems()).toEqual([])
    })

    test('what is no list of items is refused before any I/O', async () => {
      const records: OperationRecord[] = []
      const runtime = new StorageRuntime(backend.createPlugin(), {
        onOperation: (record) => records.push(record),
      })
      const session = agentSession(await runtime.open(`refused-${crypto.randomUUID()}`), 'user-7')
      const refused = expect.objectContaining({ code: 'INVALID_VALUE' })
      for (const wrong of [undefined, null, 'abc', { length: 2 }, new Set([call]), [null], ['a']]) {
        await expect(session.addItems(wrong as never)).rejects.toThrow(refused)
        await expect(session.replaceHistoryWithCompaction(wrong as never)).rejects.toThrow(refused)
      }
      await expect(session.getItems(1.5)).rejects.toThrow(refused)
      await expect(session.getItems(NaN)).rejects.toThrow(refused)
      expect(records.map(({ kind }) => kind)).toEqual(['open'])
      await runtime.close()
    })

    test('an identifier that does not fit into a key is refused at once', async () => {
      const store = await open()
      const refused = expect.objectContaining({ code: 'INVALID_KEY' })
      expect(() => agentSession(store, 'user-\uD800')).toThrow(refused)
      const { maxKeyBytes } = store.traits
      if (maxKeyBytes > 100_000) return
      expect(() => agentSession(store, 'x'.repeat(maxKeyBytes - 50))).toThrow(refused)
      const session = agentSession(store, 'x'.repeat(maxKeyBytes - 100))
      await session.addItems([user('a')])
      await session.replaceHistoryWithCompaction([user('b')])
      await session.applyHistoryTransaction({
        operationId: 'op-1',
        transaction: { type: 'append_items', items: [user('c')] },
      })
      expect((await session.getItems()).map(textOf)).toEqual(['b', 'c'])
    })

    test('items are stored as they were when they were passed', async () => {
      const session = agentSession(await open(), 'user-7')
      const item = user('a')
      const adding = session.addItems([item])
      Object.assign(item, { role: 'changed' })
      await adding
      const history = [user('b')]
      const replacing = session.replaceHistoryWithCompaction(history)
      history.push(user('c'))
      expect(await session.getItems()).toEqual([user('a')])
      await replacing
      expect(await session.getItems()).toEqual([user('b')])
    })

    test('a store without atomic steps, no store and a blank identifier are refused', async () => {
      const weak = await openStoreWithoutAtomicSteps()
      expect(() => agentSession(weak, 'user-7')).toThrow(
        expect.objectContaining({ code: 'NOT_ATOMIC' }),
      )
      const store = await open()
      for (const wrong of [
        [Promise.resolve(store), 'a'],
        [store, ''],
        [store, ' '],
        [store, 7],
        [store],
      ]) {
        expect(() => Reflect.apply(agentSession, undefined, wrong)).toThrow(
          expect.objectContaining({ code: 'INVALID_VALUE' }),
        )
      }
    })

    test('a call but for getItems() and compaction costs the same in a long conversation', async () => {
      const records: OperationRecord[] = []
      const runtime = new StorageRuntime(backend.createPlugin(), {
        onOperation: (record) => records.push(record),
      })
      const session = agentSession(await runtime.open(`costs-${crypto.randomUUID()}`), 'user-7')
      const measure = async (method: () => Promise<unknown>): Promise<number[]> => {
        records.length = 0
        await method()
        return records.map(({ keys }) => keys)
      }
      const measureAll = async (operationId: string): Promise<number[][]> => [
        await measure(async () => session.addItems([user('a'), user('b')])),
        await measure(async () => session.getItems(2)),
        await measure(async () => session.popItem()),
        await measure(async () =>
          session.applyHistoryTransaction({
            operationId,
            transaction: { type: 'append_items', items: [user('b')] },
          }),
        ),
        await measure(async () =>
          session.applyHistoryTransaction({
            operationId: `${operationId}-suffix`,
            transaction: {
              type: 'replace_suffix',
              expectedSuffix: [user('b')],
              replacement: [user('c'), user('d')],
            },
          }),
        ),
      ]
      const costs = await measureAll('short')
      // The next index, and then the items with the mark of the history's end; two items; a listing
      // and pop(); the index and an item with the mark and the record; for a suffix, reads of the
      // mark and of the end before.
      // A transaction on a Durable Object is a read and a commit.
      const reads = backend.name === 'Durable Object' ? 1 : 0
      const append = [1, ...[3, 3].slice(1 - reads)]
      const replace = [1, 1, 1, ...[5, 5].slice(1 - reads)]
      expect(costs).toEqual([[1, 3], [2], [1, 1], append, replace])
      await session.addItems(Array.from({ length: 1000 }, () => user('old')))
      expect(await measureAll('long')).toEqual(costs)
      // One listing for each page, then the index and a transaction.
      const all = await measure(async () => session.getItems())
      const compaction = await measure(async () =>
        session.replaceHistoryWithCompaction([user('a')]),
      )
      expect(compaction).toHaveLength(all.length + 2 + reads)
      expect(await measure(async () => session.clearSession())).toHaveLength(1)
      await runtime.close()
    })
  })
}
