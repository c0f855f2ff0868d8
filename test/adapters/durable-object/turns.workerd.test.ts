import { expect, test } from 'vitest'
import type { RpcObjectStorage } from '../../../adapters/durable-object/rpc-object-storage.ts'
import type { Entry } from '../../../src/index.ts'
import {
  open,
  openStorage,
  recordCalls,
  reset,
  setGroup,
  stepGroup,
  uniqueName,
} from './support/objects.ts'

interface Incremented {
  readonly messages: number
  readonly conflicts: number
}

/** Opens a namespace that is in the index already, and whose `n` is 0. */
async function openCounter(namespace: string): Promise<RpcObjectStorage> {
  const storage = await openStorage(namespace)
  await storage.commit([setGroup('n', 0)])
  return storage
}

function incremented(entry: Entry | undefined): ReturnType<typeof setGroup> {
  return setGroup('n', Number(entry?.value) + 1, { ifVersion: entry?.version ?? null })
}

/** Increments `n` as a request of its own does: reads, writes, and takes a turn after a conflict. */
async function increment(namespace: string): Promise<Incremented> {
  const { binding, calls } = recordCalls()
  const storage = await openStorage(namespace, binding)
  let entry = (await storage.getMany(['n'])).get('n')
  let [result] = await storage.commit([incremented(entry)])
  let conflicts = 0
  while (result === 'conflict') {
    conflicts++
    const turn = await storage.turns.request(['n'], 1000)
    entry = (turn.entries ?? (await storage.getMany(['n']))).get('n')
    ;[result] = await storage.commit([incremented(entry)], { turn })
    turn.release()
  }
  expect(result).toBe('applied')
  return { messages: calls.length, conflicts }
}

test.each([20, 100, 200])(
  '%d concurrent updates of a key conflict at most once, and need at most four messages each',
  async (count) => {
    const namespace = uniqueName()
    const storage = await openCounter(namespace)
    const all = await Promise.all(Array.from({ length: count }, () => increment(namespace)))
    expect((await storage.get('n'))?.value).toBe(count)
    expect(Math.max(...all.map(({ conflicts }) => conflicts))).toBe(1)
    expect(Math.max(...all.map(({ messages }) => messages))).toBe(4)
  },
)

test('the updates of a key go on after a client that is lost during its turn', async () => {
  const namespace = uniqueName()
  const storage = await openCounter(namespace)
  const started = Date.now()
  await storage.turns.request(['n'], 1000)
  const all = await Promise.all(Array.from({ length: 10 }, () => increment(namespace)))
  expect((await storage.get('n'))?.value).toBe(10)
  expect(Math.max(...all.map(({ messages }) => messages))).toBe(4)
  expect(Date.now() - started).toBeGreaterThanOrEqual(1000)
  expect(Date.now() - started).toBeLessThan(10_000)
})

test('updates of a key that another client sets all the time conflict at most once', async () => {
  const namespace = uniqueName()
  const storage = await openCounter(namespace)
  const updates = new AbortController()
  let writes = 0
  const writer = (async () => {
    for (; !updates.signal.aborted; writes++) await storage.commit([setGroup('n', 1000)])
  })()
  const all = await Promise.all(Array.from({ length: 20 }, () => increment(namespace)))
  updates.abort()
  await writer
  expect(Math.max(...all.map(({ conflicts }) => conflicts))).toBe(1)
  expect(writes).toBeGreaterThan(1)
})

test('a write without condition waits for the turn, and the next turn starts with its entry', async () => {
  const namespace = uniqueName()
  const storage = await openCounter(namespace)
  const first = await storage.turns.request(['n'], 5000)
  const events: string[] = []
  const blind = storage.commit([setGroup('n', 'blind')]).then(() => events.push('blind'))
  const step = storage
    .perform([stepGroup('n', { kind: 'pop' })])
    .then((results) => events.push(`popped ${JSON.stringify(results)}`))
  const next = storage.turns.request(['n'], 1000).then((turn) => {
    events.push(`next after ${String(turn.entries?.get('n')?.value)}`)
    return turn
  })
  await storage.commit([setGroup('other', 1)])
  expect(events).toEqual([])
  expect(
    await storage.commit(
      [setGroup('n', 1, { ifVersion: first.entries?.get('n')?.version ?? '' })],
      {
        turn: first,
      },
    ),
  ).toEqual(['applied'])
  await Promise.all([blind, step])
  ;(await next).release()
  expect(events.toSorted()).toEqual(['blind', 'next after undefined', 'popped [["blind"]]'])
})

test('during a turn, a conditional write or check of another client is a conflict at once', async () => {
  const namespace = uniqueName()
  const storage = await openCounter(namespace)
  const turn = await storage.turns.request(['n'], 5000)
  const version = turn.entries?.get('n')?.version ?? ''
  const other = await openStorage(namespace)
  expect(
    await other.commit([
      setGroup('n', 1, { ifVersion: version }),
      [{ key: 'n', remove: true, ifVersion: version }],
      [{ key: 'n', check: true, ifVersion: version }],
      [...setGroup('x', 1), ...setGroup('n', 1, { ifVersion: version })],
      setGroup('free', 1, { ifVersion: null }),
    ]),
  ).toEqual(['conflict', 'conflict', 'conflict', 'conflict', 'applied'])
  turn.release()
  expect(await other.commit([setGroup('n', 1, { ifVersion: version })])).toEqual(['applied'])
})

test('a write ends its turn, also if it is a conflict, and release() then sends nothing', async () => {
  const namespace = uniqueName()
  await openCounter(namespace)
  const { binding, calls } = recordCalls()
  const storage = await openStorage(namespace, binding)
  const turn = await storage.turns.request(['n', 'm'], 5000)
  expect(await storage.commit([setGroup('n', 1, { ifVersion: 'wrong' })], { turn })).toEqual([
    'conflict',
  ])
  turn.release()
  const performing = await storage.turns.request(['m', 'n'], 5000)
  await storage.perform([stepGroup('n', { kind: 'increment', by: 1 })], { turn: performing })
  performing.release()
  const released = await storage.turns.request(['n'], 5000)
  released.release()
  released.release()
  await storage.commit([setGroup('n', 1)])
  expect(calls).toEqual(['turn', 'commit', 'turn', 'perform', 'turn', 'release', 'commit'])
})

test('a lease is at least one second, and the turn then has lapsed', async () => {
  const namespace = uniqueName()
  const storage = await openCounter(namespace)
  const lost = await storage.turns.request(['n'], 1)
  const started = Date.now()
  const next = await storage.turns.request(['n'], 60_000)
  expect(Date.now() - started).toBeGreaterThan(900)
  expect(lost.hasLapsed).toBe(true)
  next.release()
  await new Promise((resolve) => setTimeout(resolve, 1100))
  expect(next.hasLapsed).toBe(false)
})

test('after a reset of the object, clients that wait for a turn go on without one', async () => {
  const namespace = uniqueName()
  const storage = await openCounter(namespace)
  const turn = await storage.turns.request(['n'], 30_000)
  const waiting = storage.turns.request(['n'], 30_000)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await reset(namespace)
  expect((await waiting).entries).toBeUndefined()
  const version = turn.entries?.get('n')?.version ?? ''
  expect(await storage.commit([setGroup('n', 1, { ifVersion: version })], { turn })).toEqual([
    'applied',
  ])
})

test('a turn whose write fills two messages lasts until the second one', async () => {
  const namespace = uniqueName()
  await openCounter(namespace)
  const { binding, calls } = recordCalls()
  const storage = await openStorage(namespace, binding)
  const keys = ['n', ...Array.from({ length: 13 }, (_, i) => `k${i}`)]
  const turn = await storage.turns.request(keys, 30_000)
  const next = storage.turns.request(keys, 1000)
  const groups = keys.toReversed().map((key) => [
    {
      key,
      entry: { value: 1, version: uniqueName() },
      bytes: 1_900_000,
      ...(key === 'n' && { ifVersion: turn.entries?.get('n')?.version ?? '' }),
    },
  ])
  expect(await storage.commit(groups, { turn })).toEqual(groups.map(() => 'applied'))
  // Only `n` is in the second message. Had the first one ended the turn, `n` would be a conflict.
  expect(calls).toEqual(['turn', 'turn', 'commit', 'commit'])
  ;(await next).release()
})

test('a turn whose reply is lost ends soon', async () => {
  const namespace = uniqueName()
  const other = await openCounter(namespace)
  const { binding, calls } = recordCalls(async ({ type }, call) => {
    const reply = await call()
    if (type === 'turn') throw new Error('Network connection lost.')
    return reply
  })
  const storage = await openStorage(namespace, binding)
  const started = Date.now()
  await storage.turns.request(['n'], 30_000)
  const next = await other.turns.request(['n'], 1000)
  expect(Date.now() - started).toBeLessThan(5000)
  expect(calls).toEqual(['turn', 'release'])
  next.release()
})

test('a turn whose write is lost on its way goes on, and the write is sent again in it', async () => {
  const namespace = uniqueName()
  await openCounter(namespace)
  let isLost = true
  const { binding, calls } = recordCalls(async ({ type }, call) => {
    if (type === 'commit' && calls.includes('turn') && isLost) {
      isLost = false
      throw new Error('Network connection lost.')
    }
    return call()
  })
  const counter = await open(namespace, undefined, binding)
  const other = await open(namespace)
  let runs = 0
  const updated = counter.update('n', async (n) => {
    if (runs++ === 0) await other.set('n', 10)
    return Number(n) + 1
  })
  expect(await updated).toBe(11)
  expect(calls).toEqual(['get', 'commit', 'turn', 'commit', 'resend'])
})
