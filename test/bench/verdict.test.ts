import { expect, test } from 'vitest'
import { GOALS, type Goal, type Limit } from '../../bench/goals.ts'
import type { Measured } from '../../bench/rounds.ts'
import { bestPeer, judge } from '../../bench/verdict.ts'
import type { Sample } from '../../bench/task.ts'
import { WORKLOADS } from '../../bench/workloads/all.ts'
import type { Workload } from '../../bench/workload.ts'

const [some] = WORKLOADS as readonly [Workload, ...Workload[]]

/** Of a workload whose samples are these, in milliseconds, each with as many calls and updates lost. */
function measured(
  samples: Record<string, readonly number[]>,
  calls: Record<string, number> = {},
  lost: Record<string, number> = {},
): Measured {
  const candidates = Object.keys(samples)
  return {
    workload: { ...some, candidates },
    samples: new Map(
      candidates.map((id) => [
        id,
        (samples[id] ?? []).map((ms): Sample => ({ ms, lost: lost[id] ?? 0 })),
      ]),
    ),
    counted: new Map(
      candidates.map((id): [string, Sample] => [id, { ms: 0, calls: { RPC: calls[id] ?? 0 } }]),
    ),
  }
}

const goal = (holds: Limit): Goal => ({ workload: some.id, candidate: 'botshelf', holds })

test.each<[Limit, Measured, boolean]>([
  [{ kind: 'ratio', against: 'idb', max: 2 }, measured({ botshelf: [20], idb: [10] }), true],
  [{ kind: 'ratio', against: 'idb', max: 2 }, measured({ botshelf: [21], idb: [10] }), false],
  [{ kind: 'faster', against: 'idb', min: 2 }, measured({ botshelf: [10], idb: [20] }), true],
  [{ kind: 'faster', against: 'idb', min: 2 }, measured({ botshelf: [11], idb: [20] }), false],
  [{ kind: 'time', max: 20 }, measured({ botshelf: [0.02] }), true],
  [{ kind: 'time', max: 20 }, measured({ botshelf: [0.021] }), false],
  [{ kind: 'calls', max: 1 }, measured({ botshelf: [1] }, { botshelf: 1 }), true],
  [{ kind: 'calls', max: 1 }, measured({ botshelf: [1] }, { botshelf: 2 }), false],
  [{ kind: 'lost', max: 0 }, measured({ botshelf: [1] }), true],
  [{ kind: 'lost', max: 0 }, measured({ botshelf: [1] }, {}, { botshelf: 1 }), false],
])('the goal %o is held against what was measured', (holds, all, met) => {
  expect(judge(goal(holds), [all])).toMatchObject({ met })
})

test('the best peer is a library of others, and no point of reference', () => {
  expect(bestPeer(measured({ botshelf: [1], 'plain-indexeddb': [2], idb: [4], dexie: [3] }))).toBe(
    'dexie',
  )
})

test('every goal is of a workload and of candidates that take part in it', () => {
  for (const { workload, candidate, holds } of GOALS) {
    const candidates = WORKLOADS.find(({ id }) => id === workload)?.candidates
    expect(candidates, workload).toContain(candidate)
    if ('against' in holds && holds.against !== 'best peer')
      expect(candidates, workload).toContain(holds.against)
  }
})
