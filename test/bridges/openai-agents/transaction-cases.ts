import { type AgentInputItem, type SessionHistoryTransaction, user } from '@openai/agents'
import { expect, test, vi } from 'vitest'
import { type AgentSession, agentSession } from '../../../bridges/openai-agents.ts'
import { type OperationRecord, StorageRuntime, type Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((text) => user(text)) as [
  AgentInputItem,
  AgentInputItem,
  AgentInputItem,
  AgentInputItem,
]

const appendB: SessionHistoryTransaction = { type: 'append_items', items: [b] }

/** Creates an item that has a value of a provider. */
function hold(value: unknown): AgentInputItem {
  return { ...a, providerData: { value } }
}

/** Lets something happen once, right before a store's next transaction. */
function interleave(store: Store, happen: () => Promise<void>): void {
  const transact = store.transaction.bind(store)
  vi.spyOn(store, 'transaction').mockImplementationOnce(async (keys, run, options) => {
    await happen()
    return transact(keys, run, options)
  })
}

export function testTransactions(backend: BridgeBackend): void {
  describeBridge('openai-agents', backend, ({ open, openAll }) => {
    test('a transaction that ten clients repeat is applied once', async () => {
      const clients = (await openAll(10)).map((store) => agentSession(store, 'user-7'))
      await clients[0]!.addItems([a])
      const args = { operationId: 'op-1', transaction: appendB }
      await Promise.all(clients.map(async (session) => session.applyHistoryTransaction(args)))
      expect(await clients[0]!.getItems()).toEqual([a, b])
    })

    test('a repeated transaction may have its properties in another order', async () => {
      const session = agentSession(await open(), 'user-7')
      const reordered = {
        items: [Object.fromEntries(Object.entries(b).toReversed())],
        type: 'append_items',
      }
      await session.applyHistoryTransaction({ operationId: 'op-1', transaction: appendB })
      await session.applyHistoryTransaction({
        operationId: 'op-1',
        transaction: reordered as unknown as SessionHistoryTransaction,
      })
      expect(await session.getItems()).toEqual([b])
    })

    test('an identifier of another transaction is refused, until the session is cleared', async () => {
      const session = agentSession(await open(), 'user-7')
      const other: SessionHistoryTransaction = { type: 'append_items', items: [c] }
      await session.applyHistoryTransaction({ operationId: 'op-1', transaction: appendB })
      await expect(
        session.applyHistoryTransaction({ operationId: 'op-1', transaction: other }),
      ).rejects.toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
      expect(await session.getItems()).toEqual([b])
      await session.clearSession()
      await session.applyHistoryTransaction({ operationId: 'op-1', transaction: other })
      expect(await session.getItems()).toEqual([c])
    })

    test('a suffix is replaced in its place, and items can follow', async () => {
      const session = agentSession(await open(), 'user-7')
      await session.addItems([a, b, c])
      await session.applyHistoryTransaction({
        operationId: 'op-1',
        transaction: { type: 'replace_suffix', expectedSuffix: [b, c], replacement: [d, d, d] },
      })
      await session.addItems([b])
      await session.applyHistoryTransaction({
        operationId: 'op-2',
        transaction: { type: 'replace_suffix', expectedSuffix: [d, d, b], replacement: [c] },
      })
      await session.addItems([a])
      expect(await session.getItems()).toEqual([a, d, c, a])
      expect(await session.popItem()).toEqual(a)
      expect(await session.popItem()).toEqual(c)
    })

    test('another suffix than the history has is refused, and nothing changes', async () => {
      const session = agentSession(await open(), 'user-7')
      await session.addItems([a, b])
      for (const expectedSuffix of [[a], [c, a, b], [a, c]]) {
        await expect(
          session.applyHistoryTransaction({
            operationId: 'op-1',
            transaction: { type: 'replace_suffix', expectedSuffix, replacement: [d] },
          }),
        ).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT', retryable: false }))
      }
      expect(await session.getItems()).toEqual([a, b])
      await session.applyHistoryTransaction({
        operationId: 'op-1',
        transaction: { type: 'replace_suffix', expectedSuffix: [b], replacement: [] },
      })
      expect(await session.getItems()).toEqual([a])
    })

    test('of several concurrent replacements of one suffix exactly one succeeds', async () => {
      const clients = (await openAll(5)).map((store) => agentSession(store, 'user-7'))
      await clients[0]!.addItems([a, b])
      const settled = await Promise.allSettled(
        clients.map(async (session, index) =>
          session.applyHistoryTransaction({
            operationId: `op-${index}`,
            transaction: {
              type: 'replace_suffix',
              expectedSuffix: [b],
              replacement: [user(`${index}`), c],
            },
          }),
        ),
      )
      const winner = settled.findIndex(({ status }) => status === 'fulfilled')
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await clients[0]!.getItems()).toEqual([a, user(`${winner}`), c])
    })

    test('an item that another client adds during a replacement counts as the end', async () => {
      const append: SessionHistoryTransaction = { type: 'append_items', items: [d] }
      const adds: ((other: AgentSession) => Promise<void>)[] = [
        async (other) => other.addItems([d]),
        async (other) =>
          other.applyHistoryTransaction({ operationId: 'other', transaction: append }),
      ]
      for (const add of adds) {
        const [store, otherStore] = await openAll(2)
        const session = agentSession(store!, 'user-7')
        const replace = async (expectedSuffix: AgentInputItem[]): Promise<void> => {
          interleave(store!, async () => add(agentSession(otherStore!, 'user-7')))
          await session.applyHistoryTransaction({
            operationId: 'op-1',
            transaction: { type: 'replace_suffix', expectedSuffix, replacement: [c] },
          })
        }
        await session.addItems([a, b])
        await expect(replace([b])).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }))
        expect(await session.getItems()).toEqual([a, b, d])
        await session.clearSession()
        await session.addItems([a, b])
        await replace([b, d])
        expect(await session.getItems()).toEqual([a, c])
      }
    })

    test('a history without items can be replaced, also by none', async () => {
      const session = agentSession(await open(), 'user-7')
      await session.replaceHistoryWithCompaction([])
      expect(await session.getItems()).toEqual([])
      await session.replaceHistoryWithCompaction([a])
      await session.replaceHistoryWithCompaction([])
      await session.replaceHistoryWithCompaction([])
      expect(await session.getItems()).toEqual([])
    })

    test('an invalid transaction is refused before any I/O', async () => {
      const records: OperationRecord[] = []
      const runtime = new StorageRuntime(backend.createPlugin(), {
        onOperation: (record) => records.push(record),
      })
      const session = agentSession(await runtime.open(`refused-${crypto.randomUUID()}`), 'user-7')
      const cycle = hold(null)
      Object.assign(cycle, { providerData: { cycle } })
      const suffix = { expectedSuffix: [], replacement: [a] }
      for (const args of [
        { operationId: '', transaction: appendB },
        { operationId: 7, transaction: appendB },
        { operationId: 'op-1', transaction: { type: 'append_items' } },
        { operationId: 'op-1', transaction: { type: 'append_items', items: [null] } },
        { operationId: 'op-1', transaction: { type: 'replace_all', items: [], ...suffix } },
        { operationId: 'op-1', transaction: { type: 'replace_suffix', replacement: [a] } },
        { operationId: 'op-1', transaction: { type: 'append_items', items: [hold(10n)] } },
        {
          operationId: 'op-1',
          transaction: { type: 'append_items', items: [hold(new Map([[1, 2]]))] },
        },
        { operationId: 'op-1', transaction: { type: 'append_items', items: [hold(() => {})] } },
        { operationId: 'op-1', transaction: { type: 'append_items', items: [cycle] } },
        ...[new Date(0), NaN, Infinity, [undefined]].map((value) => ({
          operationId: 'op-1',
          transaction: { type: 'append_items', items: [hold(value)] },
        })),
        { operationId: 'op-1' },
        undefined,
      ]) {
        await expect(session.applyHistoryTransaction(args as never)).rejects.toThrow(
          expect.objectContaining({ code: 'INVALID_VALUE' }),
        )
      }
      expect(records.map(({ kind }) => kind)).toEqual(['open'])
      expect(await session.getItems()).toEqual([])
      await runtime.close()
    })

    test('a transaction and its identifier may be larger than a value and a key', async () => {
      const store = await open()
      const session = agentSession(store, 'user-7')
      const size = Math.min(store.traits.maxValueBytes - 1000, 2_000_000)
      const items = ['a', 'b'].map((letter) => user(letter.repeat(size)))
      const operationId = 'op/'.repeat(2000)
      for (let repeat = 0; repeat < 2; repeat++) {
        await session.applyHistoryTransaction({
          operationId,
          transaction: { type: 'append_items', items },
        })
      }
      expect(await session.getItems()).toEqual(items)
    })

    test('bytes in a transaction are compared', async () => {
      const session = agentSession(await open(), 'user-7')
      const append = async (byte: number): Promise<void> =>
        session.applyHistoryTransaction({
          operationId: 'op-1',
          transaction: { type: 'append_items', items: [hold(new Uint8Array([byte]))] },
        })
      await append(1)
      await append(1)
      await expect(append(2)).rejects.toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
      expect(await session.getItems()).toEqual([hold(new Uint8Array([1]))])
    })

    test('replaceHistoryWithCompaction() keeps items that another client adds meanwhile', async () => {
      const [session, other] = (await openAll(2)).map((store) => agentSession(store, 'user-7'))
      await session!.addItems(Array.from({ length: 300 }, () => a))
      await Promise.all([session!.replaceHistoryWithCompaction([b, c]), other!.addItems([d])])
      expect([
        [b, c, d],
        [b, c],
      ]).toContainEqual(await session!.getItems())
    })

    test('concurrent replaceHistoryWithCompaction() and popItem() leave one history', async () => {
      const [session, other, third] = (await openAll(3)).map((store) =>
        agentSession(store, 'user-7'),
      )
      await session!.addItems([a, a, a, a])
      await Promise.all([
        session!.replaceHistoryWithCompaction([b, c, c]),
        other!.popItem(),
        third!.replaceHistoryWithCompaction([d]),
      ])
      expect([[b, c, c], [b, c], [d], []]).toContainEqual(await session!.getItems())
    })

    test('keys stay short, however often the same place of the history is replaced', async () => {
      const store = await open()
      const session = agentSession(store, 'user-7')
      await session.addItems([a, b])
      for (let round = 0; round < 10; round++) {
        await session.replaceHistoryWithCompaction([c, d])
        await session.applyHistoryTransaction({
          operationId: `op-${round}`,
          transaction: { type: 'replace_suffix', expectedSuffix: [d], replacement: [a, b] },
        })
      }
      expect(await session.getItems()).toEqual([c, a, b])
      for await (const key of store.keys()) expect(key.length).toBeLessThan(90)
    })
  })
}
