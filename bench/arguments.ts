import { parseArgs } from 'node:util'
import { orUsageError, UsageError } from '../scripts/command-line.ts'
import { WORKLOADS } from './workloads/all.ts'
import { GROUPS, type Workload } from './workload.ts'

const ROUNDS = 5
const QUICK_ROUNDS = 3

/** What is to be measured. */
export interface Request {
  readonly workloads: readonly Workload[]
  readonly rounds: number
  /** The folder that gets the report; `undefined`: it is only printed. */
  readonly output: string | undefined
}

/**
 * Reads the command line. A full run writes its report into `folder`; one of less does where
 * `--output` says so.
 *
 * @throws UsageError
 */
export function readArguments(folder: string): Request {
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
    throw new UsageError('--rounds takes a number of rounds, 1 or more.')
  }
  const unknown = only.filter((name) => !WORKLOADS.some((each) => matches(each, name)))
  if (unknown.length > 0) {
    const ids = WORKLOADS.filter(({ growth }) => growth === undefined).map(({ id }) => id)
    throw new UsageError(
      `There is no workload ${unknown.join(', ')}. A group: ${GROUPS.join(', ')}. A workload: ${ids.join(', ')}.`,
    )
  }
  const whole = only.length === 0 && !quick && rounds === undefined
  return {
    workloads: WORKLOADS.filter(
      (each) => only.length === 0 || only.some((name) => matches(each, name)),
    ),
    rounds: rounds ?? (quick ? QUICK_ROUNDS : ROUNDS),
    output: values.output ?? (whole ? folder : undefined),
  }
}

function matches({ id, group }: Workload, name: string): boolean {
  return id === name || group === name
}
