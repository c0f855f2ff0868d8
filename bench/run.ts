// Measures botshelf beside other libraries and the platform itself, in Chromium, workerd and Node:
// npm run bench [-- --only <workload or group>] [--rounds n] [--quick] [--output <folder>]
// A full run writes RESULTS.md, chart.svg and results.json into this folder; other runs print.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../scripts/command-line.ts'
import { type BenchmarkOptions, readArguments } from './arguments.ts'
import { startBundles } from './engines/bundles.ts'
import { startChromium, startColdChromium, startFreshPages, startTabs } from './engines/chromium.ts'
import type { Engine } from './engines/engine.ts'
import { startFunctions } from './engines/functions.ts'
import { startNode } from './engines/node.ts'
import { startWorkerd } from './engines/workerd.ts'
import { GOALS } from './goals.ts'
import { renderChart } from './report/chart.ts'
import { renderMarkdown } from './report/markdown.ts'
import { renderJson } from './report/json.ts'
import { type Measured, measure } from './rounds.ts'
import { judge } from './verdict.ts'
import { GROUPS, type Group } from './workload.ts'

const ENGINES: Readonly<Record<Group, (candidates: readonly string[]) => Promise<Engine>>> = {
  indexeddb: startChromium,
  'indexeddb-tabs': startTabs,
  'indexeddb-listing': startChromium,
  'indexeddb-clear': startChromium,
  'indexeddb-cold': startColdChromium,
  'indexeddb-reload': startFreshPages,
  'indexeddb-growth': startChromium,
  object: startWorkerd,
  kv: startWorkerd,
  open: startWorkerd,
  memory: startNode,
  copy: startFunctions,
  codec: startFunctions,
  'codec-workerd': startWorkerd,
  size: startBundles,
}

await runCommand(async () => {
  const options = readArguments(fileURLToPath(new URL('.', import.meta.url)))
  const results = await measureAll(options)
  const verdicts = GOALS.flatMap((goal) => judge(goal, results) ?? [])
  const report = renderMarkdown({ results, verdicts, rounds: options.rounds, date: new Date() })
  const { output } = options
  if (output === undefined) {
    console.log(report)
    return
  }
  await mkdir(output, { recursive: true })
  await writeFile(join(output, 'RESULTS.md'), report)
  await writeFile(join(output, 'results.json'), renderJson(results))
  const chart = renderChart(results, verdicts)
  if (chart !== undefined) await writeFile(join(output, 'chart.svg'), chart)
  const met = verdicts.filter(({ isMet }) => isMet).length
  console.log(`${met} of ${verdicts.length} goals are met: ${join(output, 'RESULTS.md')}`)
})

async function measureAll({ workloads, rounds }: BenchmarkOptions): Promise<readonly Measured[]> {
  const results: Measured[] = []
  const start = performance.now()
  const showProgress = (line: string): void => {
    process.stderr.write(`${((performance.now() - start) / 1000).toFixed(0)} s  ${line}\n`)
  }
  for (const group of GROUPS) {
    const selected = workloads.filter((workload) => workload.group === group)
    if (selected.length === 0) continue
    const candidates = new Set(selected.flatMap((workload) => workload.candidates))
    const engine = await ENGINES[group]([...candidates])
    try {
      results.push(...(await measure(engine, selected, rounds, showProgress)))
    } finally {
      await engine.stop()
    }
  }
  return results
}
