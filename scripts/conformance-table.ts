// Runs the conformance suite over every plugin in every engine, and prints how many cases each
// passes, is exempt from by its traits, skips for a stated reason, or fails.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Report {
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
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  const rows = tally(report)
  print(rows)
  const total = [...rows.values()].reduce(
    (sum, { passed, failed, exempt }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      exempt: sum.exempt + exempt,
    }),
    { passed: 0, failed: 0, exempt: 0 },
  )
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.exempt} skipped`)
  // A test file that could not be loaded has no rows, and has failed all the same.
  const broken = report.testResults.some(({ status }) => status === 'failed')
  process.exitCode = broken || total.failed > 0 || total.passed === 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}

function tally(report: Report): Map<string, Row> {
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
      console.error(`FAILED ${name}: ${title}\n  ${failureMessages?.[0]?.split('\n')[0] ?? ''}`)
    } else row.exempt++
  }
  return rows
}

function print(rows: Map<string, Row>): void {
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
