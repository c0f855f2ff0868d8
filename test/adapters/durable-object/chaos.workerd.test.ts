import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import type { ChaosPlan } from '../../../adapters/chaos-storage-object.ts'
import { PROTOCOL_VERSION, type RpcReply } from '../../../adapters/durable-object/protocol.ts'
import { StorageObject } from '../../../adapters/storage-object.ts'
import { ChaosObject } from '../../support/worker.ts'
import { collect, createPlugin, open } from './support/objects.ts'

const READ = { v: PROTOCOL_VERSION, type: 'len', now: 0 } as const

afterEach(() => {
  vi.restoreAllMocks()
})

/** Calls an object, and returns the message of its error, or `undefined`. */
async function call(name: string, message: object = READ): Promise<string | undefined> {
  // The types of stubs replace the reply by `never`.
  const stub = env.CHAOS.getByName(name) as unknown as {
    call(message: object): Promise<RpcReply>
  }
  try {
    await stub.call(message)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Sends messages one after another, and returns what became of each. */
async function callMany(name: string, total: number): Promise<(string | undefined)[]> {
  const results: (string | undefined)[] = []
  while (results.length < total) results.push(await call(name))
  return results
}

function write(key: string): object {
  return {
    v: PROTOCOL_VERSION,
    type: 'commit',
    changes: { keys: [key], values: [1], versions: ['v'.repeat(16)], bytes: [2] },
    groupSizes: [1],
    messageId: key,
  }
}

function stored(name: string, key: string): Promise<unknown> {
  return runInDurableObject(env.CHAOS.getByName(name), (_, { storage }) =>
    storage.kv.get(`botshelf/1//:${key}`),
  )
}

const LOST =
  /^(?:Network connection lost\.|Cannot resolve Durable Object due to transient issue on remote node\.)$/

test('throw rejects as a lost connection does, and stores nothing', async () => {
  ChaosObject.plan = { throw: 1 }
  for (let i = 0; i < 4; i++) expect(await call('throw', write('k'))).toMatch(LOST)
  expect(await stored('throw', 'k')).toBeUndefined()
})

test('loseReply stores what the message writes, and rejects as a lost connection does', async () => {
  ChaosObject.plan = { loseReply: 1 }
  expect(await call('lose', write('k'))).toMatch(LOST)
  expect(await stored('lose', 'k')).toBeDefined()
})

test('deliverTwice handles a message twice, and replies once', async () => {
  ChaosObject.plan = { deliverTwice: 1 }
  const handle = vi.spyOn(StorageObject.prototype, 'call')
  const store = await open('twice', {}, env.CHAOS)
  expect([await store.increment('n'), await store.increment('n')]).toEqual([1, 2])
  const types = handle.mock.calls.map(([{ type }]) => type)
  expect(types.filter((type) => type === 'perform')).toHaveLength(4)
})

test('abort resets the object with all its messages, before or after a write, or when it is on disk', async () => {
  ChaosObject.plan = { abort: 1, delayMs: 50 }
  const text = 'Durable Object reset because its code was updated.'
  expect(await Promise.all([call('abort'), call('abort')])).toEqual([text, text])
  ChaosObject.plan = { abort: 1 }
  const handle = vi.spyOn(StorageObject.prototype, 'call')
  const isStored: boolean[] = []
  for (let i = 0; i < 30; i++) {
    expect(await call('abort', write(`k${i}`))).toBe(text)
    isStored.push((await stored('abort', `k${i}`)) !== undefined)
  }
  // Four standard deviations around 20 and 10.
  expect(Math.abs(handle.mock.calls.length - 20)).toBeLessThan(11)
  expect(Math.abs(isStored.filter(Boolean).length - 10)).toBeLessThan(11)
  expect(isStored).toContain(true)
})

test('with an abort in most messages, the others still get through', async () => {
  ChaosObject.plan = { abort: 0.7 }
  const results = await callMany('progress', 40)
  expect(results.filter((result) => result === undefined).length).toBeGreaterThan(3)
})

async function reset(_: unknown, state: DurableObjectState): Promise<void> {
  await state.storage.deleteAll()
  // An abort discards what is not on disk.
  await state.storage.sync()
  state.abort('reset for the test')
}

/** Sends 50 messages to an object that begins without data. */
async function repeat(name: string, plan: ChaosPlan): Promise<(string | undefined)[]> {
  ChaosObject.plan = plan
  await runInDurableObject(env.CHAOS.getByName(name), reset).catch(() => {})
  return callMany(name, 50)
}

test('the same seed and name repeat the faults, and another seed or name has others', async () => {
  const plan = { abort: 0.1, throw: 0.1, loseReply: 0.1, seed: 5 }
  const results = await repeat('seeds', plan)
  expect(await repeat('seeds', plan)).toEqual(results)
  expect(await repeat('seeds', { ...plan, seed: 6 })).not.toEqual(results)
  expect(await repeat('other seeds', plan)).not.toEqual(results)
})

test('each fault occurs as often as the plan says', async () => {
  for (const fault of ['abort', 'throw', 'loseReply'] as const) {
    ChaosObject.plan = { [fault]: 0.5 }
    const results = await callMany(`often ${fault}`, 60)
    const count = results.filter((result) => result !== undefined).length
    // Four standard deviations around 30.
    expect(Math.abs(count - 30)).toBeLessThan(16)
  }
})

test('delayMs lets messages overtake each other', async () => {
  ChaosObject.plan = { delayMs: 20 }
  const order: number[] = []
  await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      await call('delay')
      order.push(index)
    }),
  )
  expect(order).not.toEqual(order.toSorted((a, b) => a - b))
})

test('drop() of the namespace under aborts ends, and leaves no entry', async () => {
  ChaosObject.plan = { abort: 0.5 }
  const store = await open('dropped', {}, env.CHAOS)
  await store.set('k', 1)
  await store.close()
  const plugin = createPlugin(env.CHAOS)
  let attempts = 0
  while (attempts++ < 100) {
    if (
      await plugin.drop('dropped').then(
        () => true,
        () => false,
      )
    )
      break
  }
  expect(attempts).toBeLessThan(100)
  expect(await stored('botshelf/dropped', 'k')).toBeUndefined()
})

test.each([
  [{ abort: 2 }, 'options.abort must be a number from 0 to 1; received 2.'],
  [
    { throw: 0.6, abort: 0.6 },
    'The sum of abort, throw, loseReply, deliverTwice must be at most 1',
  ],
  [{ delayMs: -1 }, 'options.delayMs must be a number of milliseconds, 0 or more; received -1.'],
  [{ lose: 0.1 }, 'Did you mean "loseReply"?'],
])('the plan %o rejects each call with INVALID_VALUE', async (plan, message) => {
  ChaosObject.plan = plan as ChaosPlan
  const store = await open(`plan ${JSON.stringify(plan)}`, {}, env.CHAOS)
  const error: unknown = await store.get('k').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'INVALID_VALUE' })
  expect((error as Error).message).toContain(message)
  await expect(collect(store.keys())).rejects.toMatchObject({ code: 'INVALID_VALUE' })
})
