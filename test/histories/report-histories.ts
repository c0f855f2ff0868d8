import type { CallRecord, HistoryViolation } from '../../src/testing/index.ts'
import { reportFigures } from '../support/report-figures.ts'

/** A history that was checked. */
export interface CheckedHistory {
  readonly records: readonly CallRecord[]
  readonly violations: readonly HistoryViolation[]
}

/** Prints the figures of all histories of an engine, such as `Memory, Node`, for the trust report. */
export function reportHistories(engine: string, histories: readonly CheckedHistory[]): void {
  const records = histories.flatMap((each) => each.records)
  const violations = histories.flatMap((each) => each.violations)
  const count = (outcome: string): number =>
    records.filter((record) => record.outcome === outcome).length
  const countKind = (kind: HistoryViolation['kind']): number =>
    violations.filter((violation) => violation.kind === kind).length
  reportFigures({
    engine,
    suite: 'histories',
    cases: histories.length,
    calls: records.length,
    acknowledged: count('applied'),
    lost: countKind('impossible'),
    torn: countKind('torn'),
    undecided: countKind('undecided'),
    unknown: count('unknown'),
  })
}
