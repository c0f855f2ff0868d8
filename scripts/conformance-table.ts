// Runs the conformance suite for every plugin in every engine. Prints a table of how many cases
// pass, are exempt or skipped, and fail: npm run conformance

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The part of Vitest's JSON report that the table needs. */
interface VitestReport {
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

interface Row {
  cases: number
  passed: number
  exempt: number
  failed: number
}

const folder = mkdtempSync(join(tmpdir(), 'botshelf-'))
const file = join(folder, 'report.json')
try {
  spawnSync('vitest', ['run', 'conformance', '--reporter=json', `--outputFile=${file}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport
  const rows = countByPlugin(report)
  printTable(rows)
  const total = [...rows.values()].reduce(
    (sum, { passed, failed, exempt }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      exempt: sum.exempt + exempt,
    }),
    { passed: 0, failed: 0, exempt: 0 },
  )
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.exempt} exempt or skipped`)
  // A test file that cannot be loaded fails without a row.
  const hasFailedFile = report.testResults.some(({ status }) => status === 'failed')
  process.exitCode = hasFailedFile || total.failed > 0 || total.passed === 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}

function countByPlugin(report: VitestReport): Map<string, Row> {
  const rows = new Map<string, Row>()
  for (const { ancestorTitles, title, status, failureMessages } of report.testResults.flatMap(
    ({ assertionResults }) => assertionResults,
  )) {
    const [suite = ''] = ancestorTitles
    if (!suite.startsWith('conformance | ')) continue
    const name = suite.slice('conformance | '.length)
    const row = rows.get(name) ?? { cases: 0, passed: 0, exempt: 0, failed: 0 }
    rows.set(name, row)
    row.cases++
    if (status === 'passed') row.passed++
    else if (status === 'failed') {
      row.failed++
      // Without the stack trace, which follows the message.
      const message = failureMessages?.[0]?.split(/\n\s+at /)[0] ?? title
      console.error(`FAILED ${name}\n${message}`)
    } else row.exempt++
  }
  return rows
}

function printTable(rows: Map<string, Row>): void {
  const lines = [['plugin', 'engine', 'cases', 'passed', 'exempt or skipped', 'failed']]
  for (const [name, { cases, passed, exempt, failed }] of rows) {
    const [plugin = '', engine = ''] = name.split(' | ')
    lines.push([plugin, engine, ...[cases, passed, exempt, failed].map(String)])
  }
  const widths = (lines[0] ?? []).map((_, i) =>
    Math.max(...lines.map((line) => line[i]?.length ?? 0)),
  )
  for (const line of lines) {
    console.log(
      line
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
  }
}
