import { parseArgs } from 'node:util'
import { orUsageError, UsageError } from '../scripts/command-line.ts'
import { CANDIDATES } from './candidates.ts'
import { BEST_PEER } from './goal.ts'
import { GOAL_TABLE } from './goal-table.ts'
import { WORKLOADS } from './workloads/all.ts'
import { GROUPS, type Workload } from './workload.ts'

const DEFAULT_ROUNDS = 5
const QUICK_ROUNDS = 2

/** What a run measures, and where it writes the report. */
export interface BenchmarkOptions {
  readonly workloads: readonly Workload[]
  readonly rounds: number
  /** The folder for the report; `undefined` prints the report. */
  readonly output: string | undefined
}

/**
 * Reads the command line. A run of all workloads writes its report to `reportFolder`. A run with
 * `--only`, `--quick` or `--rounds` prints its report, unless `--output` names a folder. Without
 * `--only`, `--quick` measures what the table of goals needs and nothing else.
 *
 * @throws UsageError
 */
export function readArguments(reportFolder: string): BenchmarkOptions {
  const { values } = orUsageError(() =>
    parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        output: { type: 'string' },
      },
    }),
  )
  const { only, quick } = values
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds > 0)) {
    throw new UsageError(
      `--rounds must be a whole number, 1 or more; received ${values.rounds}. Without it, ${DEFAULT_ROUNDS} rounds are timed.`,
    )
  }
  const unknown = only.filter((name) => !WORKLOADS.some((workload) => matches(workload, name)))
  if (unknown.length > 0) {
    const ids = WORKLOADS.filter(({ growth }) => growth === undefined).map(({ id }) => id)
    throw new UsageError(
      `--only must name a group or a workload; received ${unknown.join(', ')}. Groups: ${GROUPS.join(', ')}. Workloads: ${ids.join(', ')}.`,
    )
  }
  const isFullRun = only.length === 0 && !quick && rounds === undefined
  return {
    workloads:
      quick && only.length === 0
        ? quickWorkloads()
        : WORKLOADS.filter(
            (workload) => only.length === 0 || only.some((name) => matches(workload, name)),
          ),
    rounds: rounds ?? (quick ? QUICK_ROUNDS : DEFAULT_ROUNDS),
    output: values.output ?? (isFullRun ? reportFolder : undefined),
  }
}

/** Returns the workloads of the table of goals, with the candidates that its goals compare. */
export function quickWorkloads(): readonly Workload[] {
  const goals = GOAL_TABLE.flatMap((row) => row.goals)
  return WORKLOADS.flatMap((workload): Workload[] => {
    const own = goals.filter((goal) => goal.workload === workload.id)
    const compared = own.flatMap(({ candidate, limit }) =>
      'against' in limit ? [candidate, limit.against] : [candidate],
    )
    if (compared.length === 0) return []
    const isCompared = (id: string): boolean =>
      compared.includes(id) || (compared.includes(BEST_PEER) && CANDIDATES[id]?.kind === 'peer')
    return [{ ...workload, candidates: workload.candidates.filter(isCompared) }]
  })
}

function matches({ id, group }: Workload, name: string): boolean {
  return id === name || group === name
}
