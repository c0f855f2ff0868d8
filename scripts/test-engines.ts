// Runs the conformance suite and the histories in every engine, and prints a table:
// npm run test:engines
//   --only firefox,webkit   only these engines: node, workerd, chromium, firefox, webkit
//   --allow-missing         an engine that is not installed is no failure
//   --serve                 prints an address to open in any browser, such as that of a phone in the
//                           same network with HOST=0.0.0.0, and waits for its results
// Writes results/engine-<name>.json. The exit code is 1 if a case failed or an engine did not run.

import { readFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { orUsageError, runCommand, UsageError } from './command-line.ts'
import { onStop } from './on-stop.ts'
import { writeResult } from './results.ts'
import {
  BROWSERS,
  type Browser,
  describeInstallation,
  findOrInstall,
} from './test-engines/browsers.ts'
import { PageRun } from './test-engines/page-run.ts'
import { type EngineReport, formatReports, hasFailed } from './test-engines/report.ts'
import { runVitest } from './test-engines/vitest-run.ts'

const ENGINES: Readonly<Record<string, () => Promise<EngineReport>>> = {
  async node() {
    const engine = 'Node'
    const rows = await Promise.all([
      runVitest({ engine, project: 'node', files: ['conformance', 'histories'] }),
      // Node on storage of workerd.
      runVitest({ engine, project: 'e2e', files: ['conformance'] }),
    ])
    return { engine, version: process.versions.node, rows: rows.flat() }
  },
  async workerd() {
    const run = { engine: 'workerd', project: 'workerd', files: ['conformance', 'histories'] }
    return { engine: 'workerd', version: packageVersion('workerd'), rows: await runVitest(run) }
  },
  ...Object.fromEntries(
    BROWSERS.map((browser) => [browser.name.toLowerCase(), () => runBrowser(browser)]),
  ),
}

onStop(() => process.exit(1))
await runCommand(main)

async function main(): Promise<void> {
  const { values } = orUsageError(() =>
    parseArgs({
      options: {
        only: { type: 'string' },
        'allow-missing': { type: 'boolean', default: false },
        serve: { type: 'boolean', default: false },
      },
    }),
  )
  const names = selectEngines(values.only)
  const reports: EngineReport[] = []
  if (values.serve) reports.push(await serve())
  else {
    for (const name of names) {
      const report = await runEngine(name)
      reports.push(report)
      writeResult(`engine-${name}`, report)
    }
  }
  console.log(formatReports(reports))
  const isMissing = reports.some(({ notRun }) => notRun !== undefined)
  if (reports.some(hasFailed) || (isMissing && !values['allow-missing'])) process.exitCode = 1
}

function selectEngines(only: string | undefined): string[] {
  const known = Object.keys(ENGINES)
  const names = only === undefined ? known : only.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new UsageError(`--only takes ${known.join(', ')}; received ${unknown}.`)
  }
  return names
}

async function runEngine(name: string): Promise<EngineReport> {
  printProgress(`${name} ...`)
  try {
    return await (ENGINES[name] as () => Promise<EngineReport>)()
  } catch (error) {
    return { engine: name, rows: [], stopped: String(error) }
  }
}

async function runBrowser(browser: Browser): Promise<EngineReport> {
  const open = findOrInstall(browser)
  if (open === undefined) {
    return { engine: browser.name, rows: [], notRun: describeInstallation(browser) }
  }
  const run = await PageRun.start('127.0.0.1', printProgress)
  try {
    run.limitSilence()
    const running = await open(`http://localhost:${run.port}/`)
    try {
      return { engine: browser.name, version: running.version, ...(await run.result) }
    } finally {
      await running.stop()
    }
  } finally {
    run.stop()
  }
}

async function serve(): Promise<EngineReport> {
  const host = process.env['HOST'] ?? '127.0.0.1'
  const run = await PageRun.start(host, printProgress)
  console.log(`Open http://${host === '127.0.0.1' ? 'localhost' : host}:${run.port}/`)
  const result = await run.result
  return { engine: 'browser', version: result.userAgent, ...result }
}

function packageVersion(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

function printProgress(text: string): void {
  process.stderr.write(`${text}\n`)
}
