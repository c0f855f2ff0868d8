import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TurnOrder } from '../../../adapters/durable-object/turn-order.ts'

const LEASE_MS = 1000

let order: TurnOrder
/** What happened, in order. */
let events: string[]

beforeEach(() => {
  vi.useFakeTimers()
  order = new TurnOrder()
  events = []
})

afterEach(() => {
  vi.useRealTimers()
})

/** Runs what is due after `ms` milliseconds. */
async function advance(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

/** Requests a turn; its id is in `ids` once it is granted. */
const ids = new Map<string, string | undefined>()

async function request(name: string, keys: readonly string[], leaseMs = LEASE_MS): Promise<void> {
  const id = await order.request({ id: name, keys, leaseMs })
  ids.set(name, id)
  events.push(id === undefined ? `${name} waited too long` : `${name} starts`)
}

function release(name: string): void {
  order.release(ids.get(name) ?? 'none')
}

function write(name: string, keys: readonly string[], turn?: string): void {
  void order.run(keys, turn, () => events.push(`${name} writes`))
}

test('turns on a key are granted in the order of the requests', async () => {
  for (const name of ['a', 'b', 'c']) void request(name, ['k'])
  await advance()
  expect(events).toEqual(['a starts'])
  release('a')
  await advance()
  expect(events).toEqual(['a starts', 'b starts'])
  release('b')
  await advance()
  expect(events).toEqual(['a starts', 'b starts', 'c starts'])
})

test('turns on different keys do not wait for each other', async () => {
  void request('a', ['k'])
  void request('b', ['other'])
  await advance()
  expect(events).toEqual(['a starts', 'b starts'])
})

test('a turn ends with its lease, and its late release changes nothing', async () => {
  void request('lost', ['k'])
  void request('b', ['k'])
  void request('c', ['k'])
  await advance(LEASE_MS - 1)
  expect(events).toEqual(['lost starts'])
  await advance(1)
  expect(events).toEqual(['lost starts', 'b starts'])
  release('lost')
  await advance()
  expect(events).toEqual(['lost starts', 'b starts'])
})

test('a second release ends no other turn', async () => {
  for (const name of ['a', 'b', 'c']) void request(name, ['k'])
  await advance()
  release('a')
  release('a')
  await advance()
  expect(events).toEqual(['a starts', 'b starts'])
})

test('a turn on several keys waits for all of them, and later requests wait for it', async () => {
  void request('x', ['x'])
  void request('xy', ['x', 'y'])
  void request('yx', ['y', 'x'])
  void request('y', ['y'])
  await advance()
  expect(events).toEqual(['x starts'])
  for (const name of ['x', 'xy', 'yx']) {
    release(name)
    await advance()
  }
  expect(events).toEqual(['x starts', 'xy starts', 'yx starts', 'y starts'])
})

test('a write waits for the holder of its key, and runs before the next turn starts', async () => {
  void request('a', ['k'])
  void request('b', ['k'])
  await advance()
  write('other', ['other'])
  write('blind', ['k', 'other'])
  await advance()
  expect(events).toEqual(['a starts', 'other writes'])
  release('a')
  // The write has run when release() returns.
  expect(events).toEqual(['a starts', 'other writes', 'blind writes'])
  await advance()
  expect(events.at(-1)).toBe('b starts')
})

test('a write waits no longer than the lease of a client that is lost', async () => {
  void request('lost', ['k'])
  await advance()
  write('blind', ['k'])
  await advance(LEASE_MS - 1)
  expect(events).toEqual(['lost starts'])
  await advance(1)
  expect(events).toEqual(['lost starts', 'blind writes'])
})

test('a write that waits for two holders is not overtaken by the next turns', async () => {
  void request('x', ['x'])
  void request('y', ['y'])
  void request('next x', ['x'])
  await advance()
  write('blind', ['x', 'y'])
  release('x')
  await advance()
  expect(events).toEqual(['x starts', 'y starts'])
  release('y')
  await advance()
  expect(events).toEqual(['x starts', 'y starts', 'blind writes', 'next x starts'])
})

test('a client writes at once during its own turn', async () => {
  void request('a', ['k'])
  await advance()
  expect(order.isHeld('k', undefined)).toBe(true)
  expect(order.isHeld('k', ids.get('a'))).toBe(false)
  write('a', ['k'], ids.get('a'))
  expect(events).toEqual(['a starts', 'a writes'])
})

test('a write that throws rejects, and the next turn starts', async () => {
  void request('a', ['k'])
  void request('b', ['k'])
  await advance()
  const failed = order.run(['k'], undefined, () => {
    throw new Error('disk trouble')
  })
  const expected = expect(failed).rejects.toThrow('disk trouble')
  release('a')
  await expected
  await advance()
  expect(events).toEqual(['a starts', 'b starts'])
})

test('a request that waits for 30 seconds gets no turn, and those behind it do not wait for it', async () => {
  void request('a', ['x'], 60_000)
  void request('b', ['x', 'y'], 60_000)
  await advance(1000)
  void request('c', ['y'])
  await advance(28_999)
  expect(events).toEqual(['a starts'])
  await advance(1)
  expect(events).toEqual(['a starts', 'b waited too long', 'c starts'])
})

test('the order is idle only while no turn is held', async () => {
  expect(order.isIdle).toBe(true)
  void request('a', ['k'])
  await advance()
  expect(order.isIdle).toBe(false)
  release('a')
  expect(order.isIdle).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
})

test('a request that is released while it waits ends without a turn', async () => {
  void request('a', ['x'])
  void request('lost', ['x', 'y'])
  void request('b', ['y'])
  await advance()
  order.release('lost')
  await advance()
  expect(events).toEqual(['a starts', 'lost waited too long', 'b starts'])
  release('a')
  await advance(LEASE_MS)
  expect(order.isIdle).toBe(true)
})

test('a request that arrives twice gets one turn', async () => {
  void request('a', ['k'])
  void request('b', ['k'])
  void request('b', ['k'])
  void request('a', ['k'])
  await advance()
  release('a')
  await advance()
  release('b')
  await advance()
  expect(events).toEqual(['a starts', 'a starts', 'b waited too long', 'b starts'])
  expect(order.isIdle).toBe(true)
})
