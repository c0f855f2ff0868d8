import { expect, test } from 'vitest'
import { quickWorkloads } from '../../bench/arguments.ts'
import { CANDIDATES } from '../../bench/candidates.ts'
import { BEST_PEER, type Limit } from '../../bench/goal.ts'
import { GOAL_TABLE, type GoalRow } from '../../bench/goal-table.ts'
import { renderGoalTable } from '../../bench/report/goal-table.ts'
import type { Verdict } from '../../bench/verdict.ts'

const RATIO: Limit = { kind: 'ratio', against: 'idb', max: 0.5 }

/** Creates a row with two goals, and a verdict about each that has a figure. */
function createRow(
  limit: Limit,
  ...figures: readonly (number | undefined)[]
): { readonly row: GoalRow; readonly verdicts: readonly Verdict[] } {
  const goals = figures.map((_, i) => ({
    workload: `w${i}`,
    candidate: 'botshelf',
    limit,
    before: 1.25,
    moonshot: 0.25,
  }))
  const max = limit.kind === 'faster' ? limit.min : limit.max
  const verdicts = goals.flatMap((goal, i): Verdict[] => {
    const figure = figures[i]
    if (figure === undefined) return []
    const isMet = limit.kind === 'faster' ? figure >= max : figure <= max
    return [
      {
        goal,
        title: '',
        expected: '',
        measured: '',
        figure,
        isMet,
        ...(!isMet && { missedBy: Math.abs(figure / max - 1) * 100 }),
      },
    ]
  })
  return { row: { title: 'Row', goals }, verdicts }
}

test.each<[Limit, readonly (number | undefined)[], string]>([
  [
    RATIO,
    [0.4, 0.6],
    '| Row | 1.25 / 1.25 | ≤ 0.5 / ≤ 0.5 | 0.25 / 0.25 | 0.4 / 0.6 | met / **missed** by 20 % |',
  ],
  [RATIO, [0.4, 0.5], '| Row | 1.25 / 1.25 | ≤ 0.5 / ≤ 0.5 | 0.25 / 0.25 | 0.4 / 0.5 | met |'],
  [
    RATIO,
    [0.4, 0.55],
    '| Row | 1.25 / 1.25 | ≤ 0.5 / ≤ 0.5 | 0.25 / 0.25 | 0.4 / 0.55 | met / **missed** by 10 %, within noise |',
  ],
  [
    RATIO,
    [0.4, undefined],
    '| Row | 1.25 / 1.25 | ≤ 0.5 / ≤ 0.5 | 0.25 / 0.25 | 0.4 / – | met / not measured |',
  ],
  [
    { kind: 'faster', against: 'idb', min: 30 },
    [31],
    '| Row | 1.25 × faster | ≥ 30 × faster | 0.25 × faster | 31 × faster | met |',
  ],
  [
    { kind: 'calls', max: 10 },
    [1],
    '| Row | 1.25 calls | ≤ 10 calls | 0.25 calls | 1 call | met |',
  ],
])('the table of goals shows every figure of a row: %o, %o', (limit, figures, line) => {
  const { row, verdicts } = createRow(limit, ...figures)
  expect(renderGoalTable([row], verdicts).at(-1)?.split('\n').at(-1)).toBe(line)
})

test('the table of goals leaves out a row of which nothing was measured', () => {
  const { row } = createRow(RATIO, undefined)
  expect(renderGoalTable([row], [])).toEqual([])
})

test('npm run bench -- --quick measures every goal of the table, with what it is compared with', () => {
  const workloads = new Map(quickWorkloads().map((workload) => [workload.id, workload.candidates]))
  for (const { workload, candidate, limit } of GOAL_TABLE.flatMap(({ goals }) => goals)) {
    const candidates = workloads.get(workload)
    expect(candidates, workload).toContain(candidate)
    if (!('against' in limit)) continue
    if (limit.against !== BEST_PEER) expect(candidates, workload).toContain(limit.against)
    else
      expect(
        candidates?.some((id) => CANDIDATES[id]?.kind === 'peer'),
        workload,
      ).toBe(true)
  }
  expect(workloads.has('indexeddb-handlers')).toBe(false)
})
