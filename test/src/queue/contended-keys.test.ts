import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LocalTurns, StorageRuntime, type Store } from '../../../src/index.ts'
import { sleep } from '../../../src/async.ts'
import { ModelPlugin } from '../../fuzz/model-plugin.ts'
import type { ModelOptions } from '../../fuzz/model-options.ts'
import type { ModelStorage } from '../../fuzz/model-storage.ts'
import { microtasks, plusOne } from './model-store.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Opened {
  readonly store: Store
  readonly storage: ModelStorage
  readonly turns: LocalTurns
  /** The keys and the lease of each turn that the queue requested. */
  readonly requests: [keys: readonly string[], leaseMs: number][]
}

async function open(options: Partial<ModelOptions> = {}): Promise<Opened> {
  const { storage } = new ModelPlugin(options)
  const turns = new LocalTurns()
  const requests: Opened['requests'] = []
  const request = turns.request.bind(turns)
  turns.request = (keys, leaseMs) => {
    requests.push([keys, leaseMs])
    return request(keys, leaseMs)
  }
  Object.defineProperty(storage, 'turns', { value: turns })
  class Plugin extends ModelPlugin {
    override async open(): Promise<ModelStorage> {
      return storage
    }
  }
  const store = await new StorageRuntime(new Plugin()).open('n')
  return { store, storage, turns, requests }
}

/** Changes a key behind the queue, as another client that takes no turn. */
function changeKey({ map }: ModelStorage, value: unknown): void {
  map.set('k', { value, version: `foreign ${String(value)}` })
}

describe.each(['commit', 'transact'] as const)('on a backend with %s', (backend) => {
  test('an update that has lost a race takes a turn, and one that has not takes none', async () => {
    const { store, storage, turns, requests } = await open({ backend })
    await store.update('k', plusOne)
    expect(requests).toEqual([])
    let runs = 0
    const updated = store.update('k', async (n) => {
      await sleep(5)
      if (++runs === 1) changeKey(storage, 10)
      return plusOne(n)
    })
    await vi.runAllTimersAsync()
    expect([await updated, runs]).toEqual([11, 2])
    expect(requests).toEqual([[['k'], expect.closeTo(375, -3)]])
    expect(turns.hasContention).toBe(false)
  })

  test('10 concurrent updates with slow updaters run once each, and once more in their turn', async () => {
    const { store, requests } = await open({ backend })
    let runs = 0
    const updates = Array.from({ length: 10 }, () =>
      store.update('k', async (n) => {
        runs++
        await sleep(5)
        return plusOne(n)
      }),
    )
    await vi.runAllTimersAsync()
    await Promise.all(updates)
    expect([await store.get('k'), runs]).toEqual([10, 19])
    // A decision that is held back takes a turn too, in which it may find that it has lost.
    expect(requests.length).toBeLessThanOrEqual(18)
  })
})

test('a write and an update of a contended key wait for their turn; reads and other keys do not', async () => {
  const { store, turns } = await open()
  await store.set('k', 1)
  const turn = await turns.request(['k'], 1000)
  const settled: string[] = []
  const calls = {
    set: store.set('k', 5),
    get: store.get('other'),
    'other set': store.set('other', 1),
    update: store.update('k', plusOne),
  }
  for (const [name, call] of Object.entries(calls)) void call.then(() => settled.push(name))
  await microtasks()
  expect(settled.toSorted()).toEqual(['get', 'other set'])
  turn.release()
  await microtasks()
  expect(settled.slice(2)).toEqual(['set', 'update'])
  expect(await store.get('k')).toBe(6)
})

test('a read of a contended key alone does not wait', async () => {
  const { store, turns, requests } = await open()
  await store.set('k', 1)
  await turns.request(['k'], 1000)
  requests.length = 0
  expect(await store.get('k')).toBe(1)
  expect(await store.getMany(['k'])).toEqual(new Map([['k', 1]]))
  expect(requests).toEqual([])
})

test('a write waits for a turn until its lease ends', async () => {
  const { store, turns } = await open()
  await turns.request(['k'], 100)
  let isSet = false
  void store.set('k', 1).then(() => (isSet = true))
  await vi.advanceTimersByTimeAsync(99)
  expect(isSet).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(isSet).toBe(true)
})

test('a transaction takes one turn on all of its keys', async () => {
  const { store, storage, requests } = await open()
  await store.set('k', 1)
  let runs = 0
  const moved = store.transaction(['a', 'k'], async (tx) => {
    await sleep(5)
    if (++runs === 1) changeKey(storage, 10)
    tx.set('a', tx.get('k'))
  })
  await vi.runAllTimersAsync()
  await moved
  expect([await store.get('a'), runs]).toEqual([10, 2])
  expect(requests.map(([keys]) => keys)).toEqual([['a', 'k']])
})

test('a lease is at least twice as long as the updater took', async () => {
  const { store, storage, requests } = await open()
  let runs = 0
  const updated = store.update('k', async (n) => {
    await sleep(2000)
    if (++runs === 1) changeKey(storage, 10)
    return plusOne(n)
  })
  await vi.runAllTimersAsync()
  expect(await updated).toBe(11)
  expect(requests[0]?.[1]).toBeGreaterThanOrEqual(4000)
  expect(requests[0]?.[1]).toBeLessThan(8000)
})

test('after four turns that lapsed update() rejects with a retryable CONFLICT that says how long its function took', async () => {
  const { store, storage, turns } = await open()
  let runs = 0
  const updated = store
    .update('k', async (n) => {
      // Each run takes longer than the lease, which is at most four times as long as the run before.
      await sleep(300 * 8 ** runs)
      changeKey(storage, ++runs)
      return plusOne(n)
    })
    .catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  const error = await updated
  expect(error).toMatchObject({ code: 'CONFLICT', retryable: true, outcome: 'not-applied' })
  expect((error as Error).message).toMatch(/a function that took 1228800 ms\. Retry later\./)
  expect(runs).toBe(5)
  expect(turns.hasContention).toBe(false)
})

test('an update whose turns do not lapse has 100 attempts', async () => {
  const { store, storage } = await open()
  let runs = 0
  const updated = store
    .update('k', async (n) => {
      await sleep(1)
      changeKey(storage, ++runs)
      return plusOne(n)
    })
    .catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  expect(await updated).toMatchObject({ code: 'CONFLICT' })
  expect(runs).toBe(100)
})

test('a backend that grants no turn only costs more races', async () => {
  const { store, storage, turns } = await open()
  turns.request = () => Promise.reject(new Error('no turn'))
  let runs = 0
  const updated = store.update('k', async (n) => {
    await sleep(1)
    if (++runs < 5) changeKey(storage, runs)
    return plusOne(n)
  })
  await vi.runAllTimersAsync()
  expect([await updated, runs]).toEqual([5, 5])
})

test('the entries that come with a turn spare a read, once', async () => {
  const { storage } = new ModelPlugin({ batchAcrossTicks: false, turns: true })
  class Plugin extends ModelPlugin {
    override async open(): Promise<ModelStorage> {
      return storage
    }
  }
  const store = await new StorageRuntime(new Plugin()).open('n')
  let runs = 0
  const updated = store.update('k', async (n) => {
    await sleep(1)
    if (++runs === 1) changeKey(storage, 10)
    return plusOne(n)
  })
  await vi.runAllTimersAsync()
  expect(await updated).toBe(11)
  expect([storage.count('getMany'), storage.count('commit')]).toEqual([1, 2])
})
