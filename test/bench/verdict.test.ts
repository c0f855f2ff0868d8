import { expect, test } from 'vitest'
import type { Goal, Limit } from '../../bench/goal.ts'
import { GOALS } from '../../bench/goals.ts'
import type { Measured } from '../../bench/rounds.ts'
import { bestPeer, judge } from '../../bench/verdict.ts'
import type { Sample } from '../../bench/task.ts'
import { WORKLOADS } from '../../bench/workloads/all.ts'
import type { Workload } from '../../bench/workload.ts'

const [ANY_WORKLOAD] = WORKLOADS as readonly [Workload, ...Workload[]]

/** Creates results from samples in milliseconds, and the calls and lost updates of each candidate. */
function createMeasured(
  samples: Record<string, readonly number[]>,
  calls: Record<string, number> = {},
  lost: Record<string, number> = {},
): Measured {
  const candidates = Object.keys(samples)
  return {
    workload: { ...ANY_WORKLOAD, candidates },
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

const createGoal = (limit: Limit): Goal => ({
  workload: ANY_WORKLOAD.id,
  candidate: 'botshelf',
  limit,
})

test.each<[Limit, Measured, boolean]>([
  [{ kind: 'ratio', against: 'idb', max: 2 }, createMeasured({ botshelf: [20], idb: [10] }), true],
  [{ kind: 'ratio', against: 'idb', max: 2 }, createMeasured({ botshelf: [21], idb: [10] }), false],
  [{ kind: 'faster', against: 'idb', min: 2 }, createMeasured({ botshelf: [10], idb: [20] }), true],
  [
    { kind: 'faster', against: 'idb', min: 2 },
    createMeasured({ botshelf: [11], idb: [20] }),
    false,
  ],
  [{ kind: 'time', max: 20 }, createMeasured({ botshelf: [0.02] }), true],
  [{ kind: 'time', max: 20 }, createMeasured({ botshelf: [0.021] }), false],
  [{ kind: 'calls', max: 1 }, createMeasured({ botshelf: [1] }, { botshelf: 1 }), true],
  [{ kind: 'calls', max: 1 }, createMeasured({ botshelf: [1] }, { botshelf: 2 }), false],
  [{ kind: 'lost', max: 0 }, createMeasured({ botshelf: [1] }), true],
  [{ kind: 'lost', max: 0 }, createMeasured({ botshelf: [1] }, {}, { botshelf: 1 }), false],
])('judge() compares the goal %o with the results', (limit, measured, isMet) => {
  expect(judge(createGoal(limit), [measured])).toMatchObject({ isMet })
})

test.each<[Limit, Measured, number]>([
  [{ kind: 'ratio', against: 'idb', max: 2 }, createMeasured({ botshelf: [25], idb: [10] }), 25],
  [{ kind: 'faster', against: 'idb', min: 4 }, createMeasured({ botshelf: [10], idb: [10] }), 75],
])(
  'judge() returns by how many percent of its limit the goal %o is missed',
  (limit, measured, missedBy) => {
    expect(judge(createGoal(limit), [measured])?.missedBy).toBeCloseTo(missedBy)
  },
)

/** Returns results of one client workload: the counted sample, and a timed one. */
function createClientResults(counted: Partial<Sample>, timed: Partial<Sample>): Measured {
  return {
    workload: { ...ANY_WORKLOAD, candidates: ['botshelf'] },
    samples: new Map([['botshelf', [{ ms: 1, ...timed }]]]),
    counted: new Map([['botshelf', { ms: 1, ...counted }]]),
  }
}

test.each<[Limit, Measured, string, boolean]>([
  [
    { kind: 'calls', max: 4 },
    createClientResults(
      { calls: { RPCs: 40 }, callsPerClient: { max: 4, mean: 4 } },
      { callsPerClient: { max: 3, mean: 3 } },
    ),
    '4',
    true,
  ],
  [
    { kind: 'calls', max: 4 },
    createClientResults(
      { calls: { RPCs: 3 }, callsPerClient: { max: 3, mean: 3 } },
      { callsPerClient: { max: 5, mean: 3 } },
    ),
    '5',
    false,
  ],
  [{ kind: 'conflicts', max: 0 }, createClientResults({ conflicts: 0 }, {}), '0 CONFLICT', true],
  [
    { kind: 'conflicts', max: 0 },
    createClientResults({ conflicts: 0 }, { conflicts: 2 }),
    '2 CONFLICT',
    false,
  ],
])(
  'judge() takes the most calls of a client and all conflicts, of any sample: %o',
  (limit, results, measured, isMet) => {
    expect(judge(createGoal(limit), [results])).toMatchObject({ measured, isMet })
  },
)

test('bestPeer() returns another library, not a baseline', () => {
  expect(
    bestPeer(createMeasured({ botshelf: [1], 'plain-indexeddb': [2], idb: [4], dexie: [3] })),
  ).toBe('dexie')
})

test('every goal of a ratio or of bytes has a reason', () => {
  const missing = GOALS.filter(
    ({ limit, reason }) => ['ratio', 'faster', 'bytes'].includes(limit.kind) && !reason,
  )
  expect(missing).toEqual([])
})

test('every goal names a workload and candidates of that workload', () => {
  for (const { workload, candidate, limit } of GOALS) {
    const candidates = WORKLOADS.find(({ id }) => id === workload)?.candidates
    expect(candidates, workload).toContain(candidate)
    if ('against' in limit && limit.against !== 'best peer')
      expect(candidates, workload).toContain(limit.against)
  }
})
