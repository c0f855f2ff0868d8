import { expect, test } from 'vitest'
import { RpcObjectStorage } from '../../../adapters/durable-object/rpc-object-storage.ts'
import type { RpcMessage, RpcReply } from '../../../adapters/durable-object/protocol.ts'
import type { StepChange } from '../../../src/index.ts'

/** Creates a storage whose object replies as told, and records the types of the messages. */
function createStorage(reply: (message: RpcMessage) => Partial<RpcReply>): {
  storage: RpcObjectStorage
  calls: string[]
} {
  const calls: string[] = []
  const stub = {
    call: async (message: unknown) => {
      calls.push((message as RpcMessage).type)
      return { v: 5, ...reply(message as RpcMessage) }
    },
  }
  return { storage: new RpcObjectStorage(() => stub, 'n'), calls }
}

const pops = ['a', 'b'].map((key): StepChange[] => [
  { key, step: { kind: 'pop' }, version: key, bytes: 1 },
])

function loseReply(): never {
  throw new Error('Network connection lost.')
}

test('a write that has timed out is not sent again', async () => {
  const { storage, calls } = createStorage(() => {
    storage.onTimeout()
    return loseReply()
  })
  expect(await storage.perform(pops)).toEqual([
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown' }),
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown' }),
  ])
  expect(calls).toEqual(['perform'])
})

test('the rest of a message that is answered in part is sent, but unknown if it was sent before', async () => {
  const answer = { groupCount: 1, results: { 0: ['x'] } }
  const inParts = createStorage(() => answer)
  expect(await inParts.storage.perform(pops)).toEqual([['x'], ['x']])
  expect(inParts.calls).toEqual(['perform', 'perform'])
  const again = createStorage(({ type }) => (type === 'resend' ? answer : loseReply()))
  expect(await again.storage.perform(pops)).toEqual([
    ['x'],
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown' }),
  ])
  expect(again.calls).toEqual(['perform', 'resend'])
})

test('a request for a turn that fails in any way is released', async () => {
  const { storage, calls } = createStorage(({ type }) => {
    if (type === 'turn') throw new Error('an unknown text')
    return {}
  })
  await storage.turns.request(['k'], 1000)
  expect(calls).toEqual(['turn', 'release'])
})
