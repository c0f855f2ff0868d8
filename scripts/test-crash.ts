// Kills workerd and Chromium under load, cuts the power of their disks, and checks what is stored:
// npm run test:crash [-- --kills 20] [-- --only workerd|chromium|power] [-- --seed 1]
// It prints a table, and writes results/crash.json. The exit code is 1 if an acknowledged write is
// lost, and if a row that loses writes by its nature has lost none.

import process from 'node:process'
import { parseArgs } from 'node:util'
import { orUsageError, runCommand, UsageError } from './command-line.ts'
import { type CrashFigures, runCrashes } from './crash/crash-loop.ts'
import { PowerCutDisk, whyNoPowerCut } from './crash/power-cut-disk.ts'
import { ROWS, type Row } from './crash/rows.ts'
import { onStop } from './on-stop.ts'
import { writeResult } from './results.ts'

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

/** A row of `crash.json`. The counts are absent if it was not run. */
interface ReportRow extends Partial<CrashFigures> {
  readonly engine: string
  readonly suite: 'crash'
  readonly mode: string
  /** Whether the row shows that the test sees a loss: it must lose writes. */
  readonly isControl: boolean
  /** Why it was not run to its end. */
  readonly notRun?: string
  readonly hasFailed: boolean
}

/** Ends the processes and the file system of the row that runs. */
let dispose = async (): Promise<void> => {}

onStop(() => void dispose().finally(() => process.exit(1)))
await runCommand(async () => {
  const { values } = orUsageError(() =>
    parseArgs({
      options: {
        kills: { type: 'string', default: '20' },
        only: { type: 'string' },
        seed: { type: 'string', default: String((Date.now() % 1_000_000) + 1) },
      },
    }),
  )
  const kills = readCount('--kills', values.kills)
  const seed = readCount('--seed', values.seed)
  const groups = [...new Set(ROWS.map(({ group }) => group))]
  if (values.only !== undefined && !groups.includes(values.only as Row['group'])) {
    throw new UsageError(`--only takes one of ${groups.join(', ')}; received ${values.only}.`)
  }
  console.log(`Seed ${seed}`)
  const rows: ReportRow[] = []
  for (const row of ROWS) {
    if (values.only === undefined || row.group === values.only) {
      rows.push(await runRow(row, kills, seed))
      writeResult('crash', { seed, rows })
    }
  }
  console.log(`\n${formatTable(rows)}`)
  if (rows.some(({ hasFailed }) => hasFailed)) process.exitCode = 1
})

async function runRow(row: Row, kills: number, seed: number): Promise<ReportRow> {
  const { engine, mode, isControl = false } = row
  const common = { engine, suite: 'crash', mode, isControl } as const
  const whyNot = row.group === 'power' ? await whyNoPowerCut() : undefined
  if (whyNot !== undefined) return { ...common, notRun: whyNot, hasFailed: false }
  const disk =
    row.group === 'power' ? await PowerCutDisk.create({ ignoresSync: row.ignoresSync }) : undefined
  const killed = row.createEngine()
  dispose = async () => {
    await killed.dispose()
    await disk?.dispose()
  }
  try {
    const figures = await runCrashes({
      ...row,
      engine: killed,
      kills: Math.min(kills, row.maxKills ?? kills),
      seed,
      disk,
      onCheck: (soFar) => console.log(`${engine}, ${mode}: ${summarize(soFar)}`),
    })
    const { lost, torn, violations } = figures
    const hasFailed = isControl ? lost === 0 : torn > 0 || violations.length > 0
    if (hasFailed) {
      const reasons = isControl ? ['No write was lost, so the row shows nothing.'] : violations
      console.error(`${engine}, ${mode} failed:\n- ${reasons.slice(0, 10).join('\n- ')}`)
    }
    return { ...common, ...figures, hasFailed }
  } catch (error) {
    console.error(error)
    return { ...common, notRun: String(error), hasFailed: true }
  } finally {
    await dispose()
    dispose = async () => {}
  }
}

function readCount(option: string, text: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new UsageError(`${option} takes a whole number from 1; received ${text}.`)
}

function summarize({ kills, acknowledged, lost, torn, unknown, erased }: CrashFigures): string {
  return `${kills} kills, ${acknowledged} acknowledged, ${lost} lost, ${torn} torn, ${unknown} unknown, ${erased} erased by the browser`
}

function formatTable(rows: readonly ReportRow[]): string {
  const lines = rows.map(({ engine, mode, notRun, erased = 0, reported = 0, ...counts }) => {
    const { kills = '', acknowledged = '', lost = '', torn = '', unknown = '' } = counts
    const erasures = erased > 0 ? `${erased}, ${reported} reported` : erased
    return notRun === undefined
      ? [engine, mode, kills, acknowledged, lost, torn, unknown, erasures]
      : [engine, mode, `not run: ${notRun}`, '', '', '', '', '']
  })
  return [COLUMNS, COLUMNS.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
