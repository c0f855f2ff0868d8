import { describe, expect, test } from 'vitest'
import type { Change, Entry } from '../../../src/index.ts'
import { OperationQueue } from '../../../src/queue/operation-queue.ts'
import type { Decision, Entries } from '../../../src/queue/operation.ts'
import { ModelPlugin } from '../../fuzz/model-plugin.ts'
import type { ModelStorage } from '../../fuzz/model-storage.ts'
import { REFUSED } from '../../fuzz/values.ts'
import { microtasks } from './model-store.ts'

let versions = 0

function open(backend: 'transact' | 'commit'): { queue: OperationQueue; storage: ModelStorage } {
  const { storage } = new ModelPlugin({ backend })
  return { queue: new OperationQueue(storage, 'n', Date.now), storage }
}

function set(key: string, value: number): Change {
  return { key, entry: { value: [value], version: `v${versions++}` }, bytes: 1 }
}

function numberOf(entry: Entry | undefined): number {
  return (entry?.value as readonly number[] | undefined)?.[0] ?? 0
}

/** Moves 1 from the first key to the second. */
function move([from, to]: readonly [string, string]): (entries: Entries) => Decision<number> {
  return ([source, target]) => ({
    changes: [set(from, numberOf(source) - 1), set(to, numberOf(target) + 1)],
    result: numberOf(source) - 1,
  })
}

function values({ map }: ModelStorage): Record<string, number> {
  return Object.fromEntries([...map].map(([key, entry]) => [key, numberOf(entry)]))
}

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

describe.each(['transact', 'commit'] as const)('an update of several keys, with %s', (backend) => {
  test('receives the entries in the order of its keys and writes all changes together', async () => {
    const { queue, storage } = open(backend)
    await queue.write([set('a', 5), set('b', 1)])
    const [a, b] = ['a', 'b'].map((key) => storage.map.get(key)?.version)
    storage.calls.length = 0
    expect(await queue.update(['b', 'a'], move(['b', 'a']))).toBe(0)
    expect(values(storage)).toEqual({ a: 6, b: 0 })
    const written = storage.calls.flatMap(({ groups }) => groups)
    expect(written).toHaveLength(1)
    expect(written[0]).toMatchObject([{ ifVersion: b }, { ifVersion: a }])
  })

  test('runs in program order with operations on each of its keys, in one call', async () => {
    const { queue, storage } = open(backend)
    await queue.write([set('a', 5), set('b', 1), set('c', 0)])
    storage.calls.length = 0
    const results = await Promise.all([
      queue.update(['a', 'b'], move(['a', 'b'])),
      Promise.resolve(queue.read('b')).then(numberOf),
      queue.update(['b', 'c'], move(['b', 'c'])),
      Promise.resolve(queue.read('a')).then(numberOf),
    ])
    expect(results).toEqual([4, 2, 1, 4])
    expect(values(storage)).toEqual({ a: 4, b: 1, c: 1 })
    expect(storage.count('commit') + storage.count('transact')).toBe(1)
  })

  test('runs again if one of its keys changes while its updater is running', async () => {
    const { queue, storage } = open(backend)
    await queue.write([set('a', 5), set('b', 1)])
    let runs = 0
    const moved = queue.update(['a', 'b'], async (entries) => {
      runs++
      await later()
      return move(['a', 'b'])(entries)
    })
    await queue.write([set('b', 10)])
    expect(await moved).toBe(4)
    expect(runs).toBe(2)
    expect(values(storage)).toEqual({ a: 4, b: 11 })
  })

  test('that only reads one of its keys still sees a change of that key', async () => {
    const { queue, storage } = open(backend)
    await queue.write([set('a', 5), set('b', 1)])
    const copied = queue.update(['a', 'b'], async ([source]) => {
      await later()
      return { changes: [set('b', numberOf(source))], result: numberOf(source) }
    })
    await queue.write([set('a', 7)])
    expect(await copied).toBe(7)
    expect(values(storage)).toEqual({ a: 7, b: 7 })
  })

  test('that only reads one of its keys sees that another client changed it', async () => {
    const { queue, storage } = open(backend)
    await queue.write([set('a', 5), set('b', 1)])
    let runs = 0
    const copied = queue.update(['a', 'b'], async ([source]) => {
      if (runs++ === 0) storage.map.set('a', { value: [9], version: 'of another client' })
      await later()
      return { changes: [set('b', numberOf(source))], result: numberOf(source) }
    })
    expect(await copied).toBe(9)
    expect(values(storage)).toEqual({ a: 9, b: 9 })
  })

  test('whose decision is dropped does not show its old entries to the operations after it', async () => {
    const { queue, storage } = open(backend)
    await queue.write([set('a', 1), set('b', 1)])
    const decide = Promise.withResolvers<void>()
    let runs = 0
    const dropped = queue.update(['b', 'a'], async (entries) => {
      if (runs++ === 0) await decide.promise
      return move(['b', 'a'])(entries)
    })
    await microtasks()
    await queue.write([set('a', 20)])
    await queue.write([set('b', 10)])
    // While a call is running, the decision and the operations after it join one batch.
    const answer = Promise.withResolvers<void>()
    storage.gate = () => answer.promise
    const running = queue.write([set('x', 1)])
    await microtasks()
    const changed = queue.update(['b'], () => ({ changes: [set('b', 5)], result: undefined }))
    decide.resolve()
    await microtasks()
    const read = queue.read('a')
    const moved = queue.update(['a', 'c'], move(['a', 'c']))
    storage.gate = undefined
    answer.resolve()
    await Promise.all([running, changed])
    expect(numberOf(await read)).toBe(20)
    expect(await moved).toBe(19)
    expect(await dropped).toBe(4)
    expect(values(storage)).toEqual({ a: 20, b: 4, c: 1, x: 1 })
  })

  test('rejects alone if the storage refuses one of its changes', async () => {
    const { queue, storage } = open(backend)
    await queue.write([set('a', 5), set('b', 1)])
    const [refused, moved] = await Promise.allSettled([
      queue.update(['a', 'b'], () => ({
        changes: [set('a', 0), set('b', REFUSED)],
        result: undefined,
      })),
      queue.update(['a', 'b'], move(['a', 'b'])),
    ])
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'TOO_LARGE' } })
    expect(moved).toEqual({ status: 'fulfilled', value: 4 })
    expect(values(storage)).toEqual({ a: 4, b: 2 })
  })

  test('rejects a write of any of its keys by its own updater', async () => {
    const { queue } = open(backend)
    await queue.update(['a', 'b'], () => {
      for (const key of ['a', 'b']) {
        expect(() => queue.write([set('x', 1), set(key, 1)])).toThrow(/must not write its own key/)
      }
      void queue.write([set('x', 1)])
      return { result: undefined }
    })
    expect(numberOf(await queue.read('x'))).toBe(1)
  })
})
