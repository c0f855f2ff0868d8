import { expect, test } from 'vitest'
import type {
  CountingEngine,
  GroupOutcome,
  RunOptions,
} from '../../../adapters/durable-object/counting-engine.ts'
import { GroupWriter } from '../../../adapters/durable-object/group-writer.ts'
import type { WriteRequest } from '../../../adapters/durable-object/protocol.ts'
import { encodeChanges } from '../../../adapters/durable-object/tuples.ts'
import { TurnOrder } from '../../../adapters/durable-object/turn-order.ts'

/** Creates a writer whose engine runs each group as told, and records how. */
function createWriter(apply: () => GroupOutcome = () => ({ values: [], bytes: 0 })): {
  writer: GroupWriter
  turns: TurnOrder
  runs: RunOptions[]
} {
  const runs: RunOptions[] = []
  const engine = {
    apply: (_: unknown, options: RunOptions) => {
      runs.push(options)
      return apply()
    },
  }
  const turns = new TurnOrder()
  return { writer: new GroupWriter(engine as unknown as CountingEngine, turns), turns, runs }
}

/** Creates a message with groups of one removal. */
function request(messageId: string, options: Partial<WriteRequest> = {}, groups = 1): WriteRequest {
  const removals = Array.from({ length: groups }, () => ({ key: 'k', remove: true }) as const)
  const changes = encodeChanges(removals)
  return { type: 'commit', changes, groupSizes: removals.map(() => 1), messageId, ...options }
}

test.each([-3_600_000, 3_600_000])(
  'a message that waits for a turn counts as sent before the wait, with every clock (%d ms ahead)',
  async (difference) => {
    const { writer, turns, runs } = createWriter()
    await turns.request({ id: 'turn', keys: ['k'], leaseMs: 5000 })
    const age = 60_000
    const arrivedAt = Date.now()
    const writing = writer.write(
      request('m', { type: 'resend', sentAt: arrivedAt + difference, age }),
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    turns.release('turn')
    await writing
    // A message is under way for at most 30 seconds.
    const sentAt = arrivedAt - age - (difference < 0 ? 30_000 : 0)
    expect(runs[0]?.sentAt).toBeLessThan(sentAt + 50)
  },
)

test('a message whose run failed runs again, and looks for what the failed run has applied', async () => {
  let isBroken = true
  const { writer, runs } = createWriter(() => {
    if (isBroken) throw new Error('broken')
    return { values: [], bytes: 0 }
  })
  await new Promise((resolve) => setTimeout(resolve, 40))
  await expect(writer.write(request('m'))).rejects.toThrow('broken')
  isBroken = false
  await writer.write(request('m', { type: 'resend', sentAt: Date.now(), age: 0 }))
  expect(runs.map(({ sentAt }) => sentAt)).toEqual([undefined, expect.any(Number)])
})

test('replies with many failed groups are not kept for ever', async () => {
  const { writer, runs } = createWriter(() => 'conflict')
  // Each reply takes about 512,000 bytes.
  for (let i = 0; i < 10; i++) await writer.write(request(`m${i}`, {}, 1000))
  await writer.write(request('m9', {}, 1000))
  expect(runs).toHaveLength(10_000)
  await writer.write(request('m0', {}, 1000))
  expect(runs).toHaveLength(11_000)
})
