// Kills workerd and Chromium under load, cuts the power of their disks, and checks what is stored:
// npm run test:crash [-- --kills 20] [-- --only workerd|chromium|power] [-- --seed 1]
// It prints a table, and writes dist/trust/crash.json. The exit code is 1 if an acknowledged write is
// lost, and if a row that loses writes by its nature has lost none.

import { mkdir, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { orUsageError, runCommand, UsageError } from './command-line.ts'
import { type CrashFigures, runCrashes } from './crash/crash-loop.ts'
import { PowerCutDisk, whyNoPowerCut } from './crash/power-cut-disk.ts'
import { ROWS, type Row } from './crash/rows.ts'

const REPORT_FOLDER = 'dist/trust'
const COLUMNS = [
  'engine',
  'mode',
  'kills',
  'acknowledged',
  'lost',
  'torn',
  'unknown',
  'erased by the browser',
] as const

/** A row of the report. */
interface ReportRow {
  readonly engine: string
  readonly mode: string
  /** Whether the row shows that the test sees a loss. */
  readonly isControl: boolean
  readonly figures?: CrashFigures
  /** Why the row was not run. */
  readonly notRun?: string
}

await runCommand(async () => {
  const { values } = orUsageError(() =>
    parseArgs({
      options: {
        kills: { type: 'string', default: '20' },
        only: { type: 'string' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      },
    }),
  )
  const kills = readCount('--kills', values.kills)
  const seed = readCount('--seed', values.seed)
  const groups = [...new Set(ROWS.map(({ group }) => group))]
  if (values.only !== undefined && !groups.includes(values.only as Row['group'])) {
    throw new UsageError(`--only takes one of ${groups.join(', ')}; received ${values.only}.`)
  }
  const rows = ROWS.filter(({ group }) => values.only === undefined || group === values.only)
  console.log(`Seed ${seed}`)
  const report: ReportRow[] = []
  for (const row of rows) {
    report.push(await runRow(row, kills, seed))
    await mkdir(REPORT_FOLDER, { recursive: true })
    const data = { date: new Date().toISOString(), kills, seed, rows: report }
    await writeFile(`${REPORT_FOLDER}/crash.json`, `${JSON.stringify(data, undefined, 2)}\n`)
  }
  printTable(report)
  if (report.some(hasFailed)) process.exitCode = 1
})

async function runRow(row: Row, kills: number, seed: number): Promise<ReportRow> {
  const { engine, mode, isControl = false } = row
  const notRun = row.group === 'power' ? await whyNoPowerCut() : undefined
  if (notRun !== undefined) return { engine, mode, isControl, notRun }
  const disk =
    row.group === 'power' ? await PowerCutDisk.create({ ignoresSync: row.ignoresSync }) : undefined
  try {
    const figures = await runCrashes({
      ...row,
      engine: row.createEngine(),
      kills: row.maxKills === undefined ? kills : Math.min(kills, row.maxKills),
      seed,
      disk,
      onCheck: (soFar) => console.log(`${engine}, ${mode}: ${summary(soFar)}`),
    })
    return { engine, mode, isControl, figures }
  } finally {
    await disk?.dispose()
  }
}

function readCount(option: string, text: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new UsageError(`${option} takes a whole number from 1; received ${text}.`)
}

function summary({ kills, acknowledged, lost, torn, unknown, erased }: CrashFigures): string {
  return `${kills} kills, ${acknowledged} acknowledged, ${lost} lost, ${torn} torn, ${unknown} unknown, ${erased} erased by the browser`
}

function hasFailed({ isControl, figures }: ReportRow): boolean {
  if (figures === undefined) return false
  return isControl ? figures.lost === 0 : figures.faults.length > 0 || figures.torn > 0
}

function printTable(report: readonly ReportRow[]): void {
  console.log(`\n| ${COLUMNS.join(' | ')} |\n|${' --- |'.repeat(COLUMNS.length)}`)
  for (const { engine, mode, figures, notRun } of report) {
    const cells =
      figures === undefined
        ? [`not run: ${notRun}`, '', '', '', '', '']
        : [figures.kills, figures.acknowledged, figures.lost, figures.torn, figures.unknown].concat(
            [],
          )
    const erased =
      figures && figures.erased > 0 ? `${figures.erased}, ${figures.reported} reported` : '0'
    console.log(`| ${[engine, mode, ...cells, ...(figures ? [erased] : [])].join(' | ')} |`)
  }
  for (const row of report.filter(hasFailed)) {
    const reasons = row.isControl
      ? ['It must lose writes, which shows that a loss is seen; it has lost none.']
      : (row.figures?.faults ?? []).slice(0, 10)
    console.error(`\n${row.engine}, ${row.mode}:\n${reasons.map((text) => `- ${text}`).join('\n')}`)
  }
}
