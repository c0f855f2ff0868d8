// Keeps each backend under a mixed load for minutes, with connections that are closed and objects that
// are reset, and finds what grows: npm run test:soak
//   --minutes 10      for each backend, one after another
//   --only memory     only these: memory, indexeddb, remote, inside, kv
// Writes results/soak-<backend>.json. The exit code is 1 if a figure grows or something is left open.

import { readFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { orUsageError, runCommand, UsageError } from './command-line.ts'
import { onStop } from './on-stop.ts'
import { writeResult } from './results.ts'
import { startChromium } from './test-soak/chromium.ts'
import { startMemory } from './test-soak/memory.ts'
import { formatSoaks, hasLeak, soak, type SoakReport, type SoakTarget } from './test-soak/soak.ts'
import { startWorkerd } from './test-soak/workerd.ts'

/** A week. */
const MAX_MINUTES = 7 * 24 * 60

const TARGETS: Readonly<Record<string, () => Promise<SoakTarget>>> = {
  memory: () => startMemory(),
  indexeddb: startChromium,
  remote: () => startWorkerd('DurableObject, from a Worker', workerdVersion()),
  inside: () => startWorkerd('DurableObject, inside', workerdVersion()),
  kv: () => startWorkerd('CloudflareKV', workerdVersion()),
}

onStop(() => process.exit(1))
await runCommand(main)

async function main(): Promise<void> {
  const { values } = orUsageError(() =>
    parseArgs({
      options: { minutes: { type: 'string', default: '10' }, only: { type: 'string' } },
    }),
  )
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= MAX_MINUTES)) {
    throw new UsageError(
      `--minutes takes a number above 0, at most ${MAX_MINUTES}; received ${values.minutes}.`,
    )
  }
  const known = Object.keys(TARGETS)
  const names = values.only === undefined ? known : values.only.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new UsageError(`--only takes ${known.join(', ')}; received ${unknown}.`)
  }
  const seed = Date.now() % 1_000_000
  const reports: SoakReport[] = []
  for (const name of names) {
    process.stderr.write(`${name} ...\n`)
    const target = await (TARGETS[name] as () => Promise<SoakTarget>)()
    try {
      const report = await soak(target, { durationMs: minutes * 60_000, seed })
      reports.push(report)
      writeResult(`soak-${name}`, {
        command: `npm run test:soak -- --minutes ${minutes}`,
        seed,
        ...report,
      })
    } finally {
      await target.stop()
    }
  }
  console.log(formatSoaks(reports))
  if (reports.some(hasLeak)) process.exitCode = 1
}

function workerdVersion(): string {
  const file = new URL('../node_modules/workerd/package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
