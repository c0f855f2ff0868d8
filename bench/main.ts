import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../scripts/command-line.ts'
import { readArguments, type Request } from './arguments.ts'
import { startChromium, startColdChromium } from './engines/chromium.ts'
import type { Engine } from './engines/engine.ts'
import { startNode } from './engines/node.ts'
import { startWorkerd } from './engines/workerd.ts'
import { GOALS } from './goals.ts'
import { renderChart } from './report/chart.ts'
import { renderMarkdown } from './report/markdown.ts'
import { samplesJson } from './report/samples-json.ts'
import { type Measured, measure } from './rounds.ts'
import { judge } from './verdict.ts'
import { GROUPS, type Group } from './workload.ts'

const ENGINES: Readonly<Record<Group, (candidates: readonly string[]) => Promise<Engine>>> = {
  indexeddb: startChromium,
  'indexeddb-listing': startChromium,
  'indexeddb-cold': startColdChromium,
  'indexeddb-growth': startChromium,
  object: startWorkerd,
  kv: startWorkerd,
  open: startWorkerd,
  memory: startNode,
}

/** Measures what the command line says. */
export function main(): Promise<void> {
  return runCommand(async () => {
    const request = readArguments(fileURLToPath(new URL('.', import.meta.url)))
    const all = await measureAll(request)
    const verdicts = GOALS.flatMap((goal) => judge(goal, all) ?? [])
    const report = renderMarkdown(all, verdicts, request.rounds, new Date())
    const { output } = request
    if (output === undefined) {
      console.log(report)
      return
    }
    await mkdir(output, { recursive: true })
    await writeFile(join(output, 'RESULTS.md'), report)
    await writeFile(join(output, 'results.json'), samplesJson(all))
    const drawn = renderChart(all)
    if (drawn !== undefined) await writeFile(join(output, 'chart.svg'), drawn)
    const met = verdicts.filter((each) => each.met).length
    console.log(`${met} of ${verdicts.length} goals are met: ${join(output, 'RESULTS.md')}`)
  })
}

async function measureAll({ workloads, rounds }: Request): Promise<readonly Measured[]> {
  const all: Measured[] = []
  const start = performance.now()
  const progress = (line: string): void => {
    process.stderr.write(`${((performance.now() - start) / 1000).toFixed(0)} s  ${line}\n`)
  }
  for (const group of GROUPS) {
    const asked = workloads.filter((each) => each.group === group)
    if (asked.length === 0) continue
    const engine = await ENGINES[group]([...new Set(asked.flatMap((each) => each.candidates))])
    try {
      all.push(...(await measure(engine, asked, rounds, progress)))
    } finally {
      await engine.stop()
    }
  }
  return all
}
