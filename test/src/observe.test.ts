import process from 'node:process'
import { describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type OperationRecord,
  type RuntimeOptions,
  StorageRuntime,
  type Store,
  StoreError,
} from '../../src/index.ts'
import type { FaultPlan } from '../../src/testing/fault-plan.ts'
import { faulty } from '../../src/testing/faulty.ts'
import { errorOf } from '../support/promises.ts'
import { HookedPlugin, lostAnswer, plusOne } from './queue/hooked-plugin.ts'

interface Observed {
  readonly plugin: HookedPlugin
  readonly store: Store<Record<string, number>>
  /** Returns the records since its last call. */
  readonly take: () => Promise<OperationRecord[]>
}

/** Opens a store of a storage that has only `getMany` and `commit`. */
async function openObserved(plan?: FaultPlan): Promise<Observed> {
  const plugin = new HookedPlugin()
  const records: OperationRecord[] = []
  const runtime = new StorageRuntime(faulty(plugin, plan), {
    onOperation: (record) => records.push(record),
  })
  const store = await runtime.open<Record<string, number>>('n')
  const take = async (): Promise<OperationRecord[]> => {
    await Promise.resolve()
    return records.splice(0)
  }
  await take()
  return { plugin, store, take }
}

async function plusOneSlowly(n = 0): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 40))
  return n + 1
}

const kindsOf = (records: OperationRecord[]): string[] => records.map(({ kind }) => kind)

describe('onOperation reports how many calls reach the backend', () => {
  test('1,000 sets of one tick are one commit', async () => {
    const { store, take } = await openObserved()
    await Promise.all(Array.from({ length: 1000 }, (_, i) => store.set(`k${i}`, i)))
    const [record, ...others] = await take()
    expect(others).toEqual([])
    expect(record).toEqual({
      kind: 'commit',
      namespace: 'n',
      keys: 1000,
      operations: 1000,
      attempt: 1,
      conflicts: 0,
      bytes: expect.any(Number),
      durationMs: expect.any(Number),
      outcome: 'ok',
    })
    expect(record?.bytes).toBeGreaterThan(1000)
    expect(record?.durationMs).toBeGreaterThanOrEqual(0)
  })

  test('1,000 updates of one key are one read and one commit of one key', async () => {
    const { store, take } = await openObserved()
    await Promise.all(Array.from({ length: 1000 }, () => store.update('k', plusOne)))
    expect(await take()).toMatchObject([
      { kind: 'getMany', keys: 1, operations: 1000, bytes: 0 },
      { kind: 'commit', keys: 1, operations: 1000 },
    ])
  })

  test('a call names only the operations of a batch that share it', async () => {
    const { store, take } = await openObserved()
    await Promise.all([
      store.get('a'),
      store.get('a'),
      store.set('b', 1),
      store.update('c', plusOne),
    ])
    expect(await take()).toMatchObject([
      { kind: 'getMany', keys: 2, operations: 3 },
      { kind: 'commit', keys: 2, operations: 2 },
    ])
  })

  test('an update in a transaction of the backend is one call', async () => {
    const records: OperationRecord[] = []
    const runtime = new StorageRuntime(new MemoryStoragePlugin(), {
      onOperation: (record) => records.push(record),
    })
    const store = await runtime.open<Record<string, number>>('n')
    await store.update('k', plusOne)
    await store.close()
    expect(records).toMatchObject([
      { kind: 'open', keys: 0, operations: 1 },
      { kind: 'transact', keys: 1, operations: 1 },
      { kind: 'close', keys: 0, operations: 1 },
    ])
    expect(records[1]?.bytes).toBeGreaterThan(0)
  })

  test('a listing is one record with the number of its items', async () => {
    const { store, take } = await openObserved()
    await store.setMany({ a: 1, b: 2, c: 3 })
    await take()
    for await (const _ of store.entries()) await new Promise((resolve) => setTimeout(resolve, 20))
    for await (const _ of store.keys()) break
    await store.size()
    await store.clear()
    const records = await take()
    expect(records).toMatchObject([
      { kind: 'entries', keys: 3 },
      { kind: 'keys', keys: 1 },
      { kind: 'size', keys: 0 },
      { kind: 'clear', keys: 0 },
    ])
    // The reader of the entries took 60 ms.
    expect(records[0]?.durationMs).toBeLessThan(50)
  })

  test('the methods of the runtime are reported', async () => {
    const records: OperationRecord[] = []
    const runtime = new StorageRuntime(new MemoryStoragePlugin(), {
      onOperation: (record) => records.push(record),
    })
    await runtime.drop('gone')
    for await (const _ of runtime.namespaces());
    await Promise.resolve()
    expect(records).toMatchObject([
      { kind: 'drop', namespace: 'gone' },
      { kind: 'namespaces', namespace: undefined },
    ])
  })
})

describe('onOperation reports failures and conflicts', () => {
  test('a read that is retried has the attempts 1, 2 and 3', async () => {
    const { plugin, store, take } = await openObserved()
    plugin.onRead = () => Promise.reject(lostAnswer())
    const thrown = await errorOf(store.get('k'))
    const records = await take()
    expect(records.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(records).toMatchObject(
      records.map(() => ({
        kind: 'getMany',
        outcome: 'not-applied',
        error: { code: thrown.code },
      })),
    )
  })

  test('a listing that is retried has the attempts 1 and 2', async () => {
    const { store, take } = await openObserved([{ on: 'liveKeys', nth: 1, fault: 'reject-before' }])
    for await (const _ of store.keys());
    expect(await take()).toMatchObject([
      { kind: 'keys', attempt: 1, outcome: 'not-applied', error: { code: 'CONNECTION_LOST' } },
      { kind: 'keys', attempt: 2, outcome: 'ok' },
    ])
  })

  test('a conflict is a call that succeeded, and is followed by a turn', async () => {
    const { plugin, store, take } = await openObserved()
    plugin.onCommit = async (apply) => (plugin.commits === 1 ? ['conflict'] : apply())
    await store.update('k', plusOne)
    const records = await take()
    expect(kindsOf(records)).toEqual(['getMany', 'commit', 'turn', 'getMany', 'commit'])
    expect(records[1]).toMatchObject({ outcome: 'ok', conflicts: 1 })
    expect(records[2]).toMatchObject({ keys: 1, outcome: 'ok' })
    expect(records[4]).toMatchObject({ outcome: 'ok', conflicts: 0 })
  })

  test('a turn takes as long as the operation waited for it', async () => {
    const { plugin, store, take } = await openObserved()
    plugin.onCommit = async (apply) => (plugin.commits <= 2 ? ['conflict'] : apply())
    await Promise.all([store.update('k', plusOneSlowly), store.update('k', plusOneSlowly)])
    const turns = (await take()).filter(({ kind }) => kind === 'turn')
    expect(Math.max(...turns.map(({ durationMs }) => durationMs))).toBeGreaterThan(30)
  })

  test('a write that fails has the outcome and the error of the call', async () => {
    const { plugin, store, take } = await openObserved()
    plugin.onCommit = () => Promise.reject(new StoreError('OVERLOADED', 'busy'))
    await errorOf(store.set('k', 1))
    const [record] = await take()
    expect(record).toMatchObject({ kind: 'commit', outcome: 'unknown', conflicts: 0 })
    expect(record?.error).toMatchObject({ code: 'OVERLOADED', namespace: 'n' })
  })

  test('a group that fails gives its error to the record', async () => {
    const { plugin, store, take } = await openObserved()
    const refused = new StoreError('TOO_LARGE', 'too large')
    plugin.onCommit = async (_, groups) => groups.map((_group, i) => (i > 0 ? refused : 'applied'))
    await Promise.allSettled([store.set('a', 1), store.set('b', 2)])
    expect((await take())[0]).toMatchObject({
      outcome: 'not-applied',
      error: { code: 'TOO_LARGE' },
    })
  })

  test('an error of the listener is an unhandled rejection, and no operation fails', async () => {
    const uncaught: unknown[] = []
    const onRejection = (error: unknown): void => void uncaught.push(error)
    const before = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', onRejection)
    try {
      const thrown = new Error('oops')
      const runtime = new StorageRuntime(new MemoryStoragePlugin(), {
        onOperation: () => {
          throw thrown
        },
      })
      const store = await runtime.open<Record<string, number>>('n')
      await store.set('k', 1)
      expect(await store.get('k')).toBe(1)
      await vi.waitFor(() => expect(uncaught).toEqual([thrown, thrown, thrown]))
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const listener of before) process.on('unhandledRejection', listener)
    }
  })
})

test.each<[RuntimeOptions, string]>([
  [{ onOperation: 'log' } as unknown as RuntimeOptions, 'options.onOperation must be a function'],
  [{ onOperation: null } as unknown as RuntimeOptions, 'options.onOperation must be a function'],
  [{ onEvent: 1 } as unknown as RuntimeOptions, 'options.onEvent must be a function'],
  [{ now: 5 } as unknown as RuntimeOptions, 'options.now must be a function'],
  [{ allowLostUpdates: 'yes' } as unknown as RuntimeOptions, 'must be true or false'],
  [{ onOperations() {} } as RuntimeOptions, 'options.onOperations is not an option here'],
  ['options' as RuntimeOptions, 'options must be a plain object'],
])('a runtime rejects the options %o', async (options, message) => {
  expect(() => new StorageRuntime(new MemoryStoragePlugin(), options)).toThrow(
    expect.objectContaining({ code: 'INVALID_VALUE', message: expect.stringContaining(message) }),
  )
})

test('an option that is undefined counts as absent', async () => {
  const runtime = new StorageRuntime(new MemoryStoragePlugin(), {
    now: undefined,
    allowLostUpdates: undefined,
    onEvent: undefined,
    onOperation: undefined,
  })
  await runtime.close()
})
