import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Case, play } from './burst.ts'
import type { Fault, Foreign, Latency, Plan } from './model-storage.ts'
import { ticks } from './operations.ts'
import { broken, lostUpdates, unlikeSequential } from './rules.ts'

// Of each property; a longer search is made with more.
const RUNS = Number(process.env['BURST_RUNS'] ?? 4000)

// Waiting takes no time: whenever nothing else is under way, the next timer is due.
beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterAll(() => {
  vi.useRealTimers()
})

const latencies: fc.Arbitrary<readonly Latency[]> = fc.array(
  fc.record({
    wait: fc.oneof(fc.constantFrom(0, 1, 2, 5), fc.constant('turn' as const)),
    late: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
)
const faults: fc.Arbitrary<readonly Fault[]> = fc.array(
  fc.record({
    on: fc.constantFrom('write', 'write', 'read', 'list'),
    nth: fc.nat(4),
    kind: fc.constantFrom('lost', 'lost-answer', 'quota', 'corrupt', 'nonsense'),
  }),
  { minLength: 1, maxLength: 4 },
)
// Of several commits with an unknown outcome nobody can tell which came when.
const oneLoss = (all: readonly Fault[]): readonly Fault[] =>
  all.filter(({ on }, index) => on !== 'write' || all.findIndex((each) => each.on === on) === index)
const foreign: fc.Arbitrary<readonly Foreign[]> = fc.array(
  fc.record({
    nth: fc.nat(6),
    does: fc.constantFrom('append', 'append', 'append', 'replace', 'remove', 'together'),
    which: fc.nat(5),
  }),
  { minLength: 1, maxLength: 6 },
)
const none = fc.constant([])

function cases(what: {
  readonly faults: typeof faults
  readonly foreign: typeof foreign
  readonly slow: boolean
}): fc.Arbitrary<Case> {
  return fc.boolean().chain((gather) => {
    const plan: fc.Arbitrary<Plan> = fc.record({
      gather: fc.constant(gather),
      backend: fc.constantFrom('transact', 'commit', 'none'),
      latencies,
      faults: what.faults,
      foreign: what.foreign,
      restarts: fc.boolean(),
    })
    return fc.record({
      plan,
      ticks: ticks(what.slow, !gather && !what.slow),
      order: fc.array(fc.nat(10), { minLength: 1, maxLength: 5 }),
      seed: fc.nat(),
    })
  })
}

async function hold(arbitrary: fc.Arbitrary<Case>, rules: Rules): Promise<void> {
  await fc.assert(
    fc.asyncProperty(arbitrary, async (each) => {
      const run = await play(each)
      expect([...broken(run), ...rules(run, each)]).toEqual([])
    }),
    { numRuns: RUNS, endOnFailure: false },
  )
}
type Rules = (run: Awaited<ReturnType<typeof play>>, each: Case) => readonly string[]

test(
  'a burst has the results, and leaves the state, of its operations one after another',
  () => hold(cases({ faults: none, foreign: none, slow: false }), unlikeSequential),
  300_000,
)

test(
  'where calls fail, so do the operations they were made for, and the others are as if these had not been',
  () => hold(cases({ faults: faults.map(oneLoss), foreign: none, slow: false }), unlikeSequential),
  300_000,
)

test(
  'among strangers and slow functions, nothing that resolved is lost, doubled, halved or left hanging',
  () => hold(cases({ faults: fc.oneof(none, faults), foreign, slow: true }), lostUpdates),
  300_000,
)
