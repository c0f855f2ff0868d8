import { formatTable } from '../table.ts'

/** The counts of one suite on one backend. */
export interface Row {
  readonly backend: string
  readonly suite: string
  readonly cases: number
  readonly passed: number
  /** How many cases do not apply to the backend. */
  readonly exempt: number
  /** Why cases failed, one text each. */
  readonly failures: readonly string[]
}

/** What one engine ran. */
export interface EngineReport {
  readonly engine: string
  /** The version of the engine; `undefined` if it did not start. */
  readonly version?: string | undefined
  readonly userAgent?: string
  readonly rows: readonly Row[]
  /** Why the engine did not run: it is not installed, and how to install it. */
  readonly notRun?: string
  /** Why the engine did not finish. */
  readonly stopped?: string
}

/** Returns the table, and below it the failures and the engines that did not run. */
export function formatReports(reports: readonly EngineReport[]): string {
  const table = formatTable(
    ['engine', 'version', 'backend', 'suite', 'cases', 'passed', 'exempt', 'failed'],
    reports.flatMap(({ engine, version = '', rows }) =>
      rows.map(({ backend, suite, cases, passed, exempt, failures }) => [
        engine,
        version,
        backend,
        suite,
        cases,
        passed,
        exempt,
        failures.length,
      ]),
    ),
  )
  const problems = reports.flatMap(({ engine, rows, notRun, stopped }) => [
    ...rows.flatMap(({ backend, suite, failures }) =>
      failures.map((failure) => `FAILED ${engine}, ${backend}, ${suite}: ${failure}`),
    ),
    ...(notRun === undefined ? [] : [`NOT RUN ${engine}: ${notRun}`]),
    ...(stopped === undefined ? [] : [`FAILED ${engine}: ${stopped}`]),
  ])
  return [table, ...problems].join('\n')
}

/** Whether a case failed, the engine stopped early, or no case passed. */
export function hasFailed({ rows, notRun, stopped }: EngineReport): boolean {
  if (notRun !== undefined) return false
  return (
    stopped !== undefined ||
    rows.every(({ passed }) => passed === 0) ||
    rows.some(({ failures }) => failures.length > 0)
  )
}
