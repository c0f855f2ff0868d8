// Writes docs/trust.md: what was tested, and what became of it. It runs the suites that print figures,
// and reads what the other commands have written into results/:
// npm run test:engines && npm run test:crash && npm run test:soak && npm run report:trust
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Figures, FIGURES_PREFIX } from '../test/support/report-figures.ts'
import { orUsageError, runCommand } from './command-line.ts'
import { readResults } from './results.ts'
import type { EngineReport } from './test-engines/report.ts'
import type { SoakReport } from './test-soak/soak.ts'

const PAGE = fileURLToPath(new URL('../docs/trust.md', import.meta.url))
/** The tests that print figures. */
const FIGURE_TESTS = ['test/model', 'histories', 'faults', 'test/crash']
const COUNTS = ['cases', 'faults', 'kills', 'acknowledged', 'lost', 'torn', 'unknown'] as const

/** A row of the table. A count that does not apply is absent. */
export interface TrustRow extends Partial<Record<(typeof COUNTS)[number], number>> {
  readonly engine: string
  readonly suite: string
  /** The command that repeats it. */
  readonly command: string
  /** Why it did not run, or what was wrong. */
  readonly note?: string | undefined
}

/** A row of `crash.json`, as `npm run test:crash` writes it. */
interface CrashRow extends Omit<Figures, 'cases'> {
  readonly cases?: number
  readonly mode: string
  readonly isControl: boolean
  readonly hasFailed: boolean
  readonly erased?: number
  readonly reported?: number
  readonly notRun?: string
}

/** What the report is made of. A part that was not run is `undefined`. */
export interface TrustSources {
  readonly date: string
  readonly versions: string
  readonly figures: readonly Figures[]
  readonly engines: readonly EngineReport[]
  readonly crash: { readonly seed: number; readonly rows: readonly CrashRow[] } | undefined
  readonly soaks: readonly (SoakReport & { readonly command: string })[]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runCommand(async () => {
    orUsageError(() => parseArgs({ options: {} }))
    const sources: TrustSources = {
      date: new Date().toISOString().slice(0, 10),
      versions: await readVersions(),
      figures: await runFigureTests(),
      engines: readResults('engine-'),
      crash: readResults<NonNullable<TrustSources['crash']>>('crash')[0],
      soaks: readResults('soak-'),
    }
    await writeFile(PAGE, renderTrust(sources))
    console.log('docs/trust.md')
  })
}

/** Returns the page. */
export function renderTrust(sources: TrustSources): string {
  const { date, versions, engines, crash, soaks } = sources
  const { rows, controls } = toRows(sources)
  const missing = [
    ...(engines.length === 0 ? ['npm run test:engines'] : []),
    ...(crash === undefined ? ['npm run test:crash'] : []),
    ...(soaks.length === 0 ? ['npm run test:soak'] : []),
  ]
  return `# What was tested

Written by \`npm run report:trust\` on ${date}; do not edit. ${versions}.${missing.length === 0 ? '' : `\n\nNot run: ${missing.map((each) => `\`${each}\``).join(', ')}.`}

A *case* is a rule, a history, a generated sequence of calls or a check after a kill. *Acknowledged*: writes whose promise resolved. *Lost*: acknowledged writes that were not there afterwards. *Torn*: groups of changes that were found in part. *Unknown*: writes that were rejected with the outcome \`unknown\`, or that a killed client did not see the end of; either result is right. [Testing](testing.md) says how the checks work.

${table(['engine', 'suite', ...COUNTS, 'repeat with'], rows.map(toCells))}

## Controls

These rows must lose writes, or have a planted fault: they show that the same checks see it. The cases of a planted fault are the runs until it was found.

${table(['engine', 'suite', ...COUNTS, 'repeat with'], controls.map(toCells))}

## Soak

Each figure is the median of the second quarter of the time and of the last one. *Closed* is what was left after everything was closed.

${soaks.length === 0 ? 'Not run.' : soakTable(soaks)}
`
}

/** Returns the rows of the tables: those that must lose nothing, and those that must. */
export function toRows(sources: TrustSources): { rows: TrustRow[]; controls: TrustRow[] } {
  const rows: TrustRow[] = []
  for (const { engine, version = '', rows: suites, notRun, stopped } of sources.engines) {
    const command = `npm run test:engines -- --only ${engine.toLowerCase()}`
    for (const { backend, suite, cases, exempt, failures } of suites) {
      const note = [
        ...(exempt > 0 ? [`${exempt} exempt`] : []),
        ...(failures.length > 0 ? [`**${failures.length} failed**`] : []),
      ].join(', ')
      const name = `${backend}, ${engine} ${version}`
      rows.push({ engine: name, suite, cases, command, note: note || undefined })
    }
    const reason = notRun ?? stopped
    if (reason !== undefined) rows.push({ engine, suite: 'all', command, note: reason })
  }
  const controls: TrustRow[] = []
  for (const figures of sources.figures.toSorted(byName)) {
    const { suite, undecided = 0 } = figures
    const note = undecided > 0 ? `searches undecided: ${undecided}` : undefined
    const target = suite.includes('planted fault') ? controls : rows
    target.push({ ...figures, command: 'npm test', note })
  }
  for (const row of sources.crash?.rows ?? []) {
    const { mode, isControl, hasFailed, erased = 0, reported = 0, notRun } = row
    const notes = [
      ...(notRun === undefined ? [] : [`not run: ${notRun}`]),
      ...(erased === 0 ? [] : [`erased by the browser: ${erased}, reported: ${reported}`]),
      ...(hasFailed ? ['**failed**'] : []),
    ]
    const target = isControl ? controls : rows
    const command = `npm run test:crash -- --seed ${sources.crash?.seed}`
    target.push({ ...row, suite: mode, command, note: notes.join('; ') || undefined })
  }
  return { rows, controls }
}

function byName(a: Figures, b: Figures): number {
  return `${a.engine}, ${a.suite}` < `${b.engine}, ${b.suite}` ? -1 : 1
}

function toCells(row: TrustRow): string[] {
  const { engine, suite, command, note } = row
  return [
    engine,
    note === undefined ? suite : `${suite} (${note})`,
    ...COUNTS.map((name) => row[name]?.toLocaleString('en') ?? ''),
    `\`${command}\``,
  ]
}

function soakTable(soaks: TrustSources['soaks']): string {
  const cells = soaks.flatMap(({ backend, engine, seconds, calls, series, stopped, command }) =>
    series.map(({ name, before, after, closed, verdict }) => [
      `${backend}, ${engine}`,
      String(seconds),
      calls.toLocaleString('en'),
      name,
      ...[before, after, closed].map((value) => formatFigure(name, value)),
      stopped === undefined ? verdict : `**${stopped.split('\n', 1)[0]}**`,
      `\`${command}\``,
    ]),
  )
  const head = ['engine', 'seconds', 'calls', 'figure', '2nd quarter', 'last quarter', 'closed']
  return table([...head, 'verdict', 'repeat with'], cells)
}

function formatFigure(name: string, value: number): string {
  return name.endsWith('Bytes') ? `${(value / 1e6).toFixed(1)} MB` : value.toLocaleString('en')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

/** Runs the tests that print figures, and reads these. */
async function runFigureTests(): Promise<readonly Figures[]> {
  const child = spawn('vitest', ['run', ...FIGURE_TESTS], { stdio: ['ignore', 'pipe', 2] })
  let output = ''
  for await (const chunk of child.stdout ?? []) output += String(chunk)
  const exitCode = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)))
  if (exitCode !== 0) throw new Error(`The tests failed. Run vitest run ${FIGURE_TESTS.join(' ')}.`)
  return readFigures(output)
}

/** Reads the figures in the output of tests. */
export function readFigures(output: string): Figures[] {
  return output.split('\n').flatMap((line) => {
    const [, json] = line.split(FIGURES_PREFIX)
    return json === undefined
      ? []
      : [JSON.parse(json.slice(0, json.lastIndexOf('}') + 1)) as Figures]
  })
}

async function readVersions(): Promise<string> {
  const workerd = await readVersion('node_modules/workerd/')
  return `botshelf ${await readVersion('')}, Node ${process.versions.node}, workerd ${workerd}`
}

async function readVersion(folder: string): Promise<string> {
  const text = await readFile(new URL(`../${folder}package.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
