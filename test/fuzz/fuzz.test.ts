import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { causeViolations } from './cause-rules.ts'
import { lostUpdateViolations } from './lost-update-rules.ts'
import type { Fault, ForeignWrite, Latency, ModelOptions } from './model-options.ts'
import { ticks } from './operations.ts'
import { type FuzzCase, runCase } from './run-case.ts'
import { sequentialViolations } from './sequential-rules.ts'

// Cases per property. Set FUZZ_RUNS to a larger number for a longer search.
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 4000)

// Waiting takes no time: when nothing else is pending, the next timer fires.
beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterAll(() => {
  vi.useRealTimers()
})

const latencies: fc.Arbitrary<readonly Latency[]> = fc.array(
  fc.record({
    wait: fc.oneof(fc.constantFrom(0, 1, 2, 5), fc.constant('task' as const)),
    takesEffectAtEnd: fc.boolean(),
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
const silence: fc.Arbitrary<readonly Fault[]> = fc.array(
  fc.record({
    on: fc.constantFrom('write', 'write', 'read', 'list', 'turn', 'close'),
    nth: fc.nat(4),
    kind: fc.constantFrom('silent', 'silent-done', 'late', 'late', 'lost-answer'),
  }),
  { minLength: 1, maxLength: 5 },
)
// The order of several commits with unknown outcomes cannot be determined.
const atMostOneOfWrites = (all: readonly Fault[]): readonly Fault[] =>
  all.filter(({ on }, index) => on !== 'write' || all.findIndex((each) => each.on === on) === index)
const foreignWrites: fc.Arbitrary<readonly ForeignWrite[]> = fc.array(
  fc.record({
    nth: fc.nat(6),
    does: fc.constantFrom('append', 'append', 'append', 'replace', 'remove', 'together'),
    which: fc.nat(5),
  }),
  { minLength: 1, maxLength: 6 },
)
const none = fc.constant([])

function cases(generated: {
  readonly faults: typeof faults
  readonly foreignWrites: typeof foreignWrites
  readonly slow: boolean
}): fc.Arbitrary<FuzzCase> {
  const shape = fc.record({
    batchAcrossTicks: fc.boolean(),
    backend: fc.constantFrom('transact', 'commit', 'perform', 'sync', 'sync', 'none'),
  })
  return shape.chain(({ batchAcrossTicks, backend }) => {
    const options: fc.Arbitrary<ModelOptions> = fc.record({
      batchAcrossTicks: fc.constant(batchAcrossTicks),
      backend: fc.constant(backend),
      joinWrites: fc.boolean(),
      copiesValues: fc.boolean(),
      turns: backend === 'none' ? fc.constant(false) : fc.boolean(),
      latencies,
      faults: generated.faults,
      foreignWrites: generated.foreignWrites,
      restarts: fc.boolean(),
    })
    return fc.record({
      options,
      ticks: ticks({
        slow: generated.slow,
        isAtomic: backend !== 'none',
        mustSettle: !batchAcrossTicks && !generated.slow,
      }),
      order: fc.array(fc.nat(10), { minLength: 1, maxLength: 5 }),
      seed: fc.nat(),
    })
  })
}

async function assertRules(arbitrary: fc.Arbitrary<FuzzCase>, rules: Rules): Promise<void> {
  await fc.assert(
    fc.asyncProperty(arbitrary, async (fuzzCase) => {
      const run = await runCase(fuzzCase)
      expect([...causeViolations(run), ...rules(run, fuzzCase)]).toEqual([])
    }),
    { numRuns: RUNS, endOnFailure: false },
  )
}
type Rules = (run: Awaited<ReturnType<typeof runCase>>, fuzzCase: FuzzCase) => readonly string[]

test(
  'concurrent operations have the results and the final state of the same operations in sequence',
  () =>
    assertRules(cases({ faults: none, foreignWrites: none, slow: false }), sequentialViolations),
  300_000,
)

test(
  'a failed call fails only operations that depend on it, and the others behave as if these were not called',
  () =>
    assertRules(
      cases({ faults: faults.map(atMostOneOfWrites), foreignWrites: none, slow: false }),
      sequentialViolations,
    ),
  300_000,
)

test(
  'with other clients and slow updaters, no resolved write is lost, repeated or partial, and none stays pending',
  () =>
    assertRules(
      cases({ faults: fc.oneof(none, faults), foreignWrites, slow: true }),
      lostUpdateViolations,
    ),
  300_000,
)

test(
  'if calls never answer or answer late, every promise settles, also of a store that closes, and every outcome is true',
  () =>
    assertRules(
      fc
        .tuple(
          cases({ faults: silence, foreignWrites: fc.oneof(none, foreignWrites), slow: true }),
          fc.boolean(),
        )
        .map(([each, closesEarly]) => ({ ...each, isTimeLimited: true, closesEarly })),
      lostUpdateViolations,
    ),
  300_000,
)

test(
  'after a call that never answers, the others behave as if the operations that it failed were not called',
  () =>
    assertRules(
      cases({
        faults: silence.map((all) => atMostOneOfWrites(all).filter(({ kind }) => kind !== 'late')),
        foreignWrites: none,
        slow: false,
      }).map((each) => ({ ...each, isTimeLimited: true })),
      sequentialViolations,
    ),
  300_000,
)
