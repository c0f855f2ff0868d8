// Measures what a journal of bursts would do for IndexedDB, in Chromium; JOURNAL.md says what it means:
// node bench/journal/run.ts [--rounds n] [--check [--only <design>]]
// With --check it measures nothing: the contract, two tabs at once and crashes are tried on each design.
import { createServer, type Server } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { type BrowserContext, chromium, type Page } from 'playwright'
import { chromiumLaunch } from '../../scripts/chromium.ts'
import { orUsageError, runCommand, UsageError } from '../../scripts/command-line.ts'
import type { Design } from './journal-plugin.ts'
import type { Times } from './page.ts'
import { type Samples, table } from './table.ts'

const DESIGNS: readonly Design[] = ['memory', 'whole', 'heads']
const CONTENDERS = ['raw', 'packed', 'today', 'memory', 'memory-whole', 'whole', 'heads']
const PHASES = ['relaxed', 'strict', 'updates', 'others', 'reads, 0', 'reads, 1', 'reads, 10']
/** What is measured of those who do not take part in everything. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  packed: ['relaxed', 'strict'],
  'memory-whole': ['relaxed', 'strict', 'others'],
}
const CRASHES = 5
/** How many updates each of two tabs makes. */
const ADDED = 3000

await runCommand(async () => {
  const { values } = orUsageError(() =>
    parseArgs({
      options: {
        rounds: { type: 'string', default: '9' },
        check: { type: 'boolean' },
        only: { type: 'string' },
      },
    }),
  )
  const rounds = Number(values.rounds)
  if (!(Number.isSafeInteger(rounds) && rounds > 0)) {
    throw new UsageError('--rounds takes a number of rounds, 1 or more.')
  }
  const { only } = values
  const designs = DESIGNS.filter((each) => only === undefined || each === only)
  if (designs.length === 0) throw new UsageError(`--only takes one of ${DESIGNS.join(', ')}.`)
  const server = await serve()
  // On the disk, since without a profile IndexedDB keeps everything in memory.
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-journal-'))
  try {
    if (values.check) await check(server, folder, designs)
    else console.log(table(await measure(server, folder, rounds), CONTENDERS))
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})

/** Each round takes one sample of each contender, in an order drawn anew; the first is not counted. */
async function measure(server: Server, folder: string, rounds: number): Promise<Samples> {
  const context = await chromium.launchPersistentContext(folder, chromiumLaunch())
  const samples = new Map<string, Map<string, number[]>>()
  try {
    const pages = new Map<string, Page>()
    for (const id of CONTENDERS) pages.set(id, await open(context, server, id))
    for (let round = 0; round <= rounds; round++) {
      for (const phase of PHASES) {
        for (const id of shuffled(CONTENDERS)) {
          const page = pages.get(id)
          if (page === undefined || !(ONLY[id] ?? PHASES).includes(phase)) continue
          await page.bringToFront()
          const times = await page.evaluate(([name, seed]) => globalThis.phases[name]?.(seed), [
            phase,
            1 + round * 100_000,
          ] as const)
          if (round > 0) keep(samples, id, times ?? {})
        }
      }
      process.stderr.write(`round ${round} of ${rounds}\n`)
    }
  } finally {
    await context.close()
  }
  return samples
}

/** @throws Error what did not hold */
async function check(server: Server, folder: string, designs: readonly Design[]): Promise<void> {
  for (const design of designs) {
    const context = await chromium.launchPersistentContext(folder, chromiumLaunch())
    try {
      await checkOpen(context, server, design)
    } finally {
      await context.close()
    }
    let resolved = 0
    for (let crash = 0; crash <= CRASHES; crash++) {
      resolved = await crashOnce(server, folder, design, resolved)
      console.log(`${design}: crash ${crash}, ${resolved} groups had resolved`)
    }
  }
}

async function checkOpen(context: BrowserContext, server: Server, design: Design): Promise<void> {
  const [page, other] = [await open(context, server, design), await open(context, server, design)]
  const failures = await page.evaluate((each) => globalThis.checks.runConformance(each), design)
  if (failures.length > 0) throw new Error(`${design} breaks the contract: ${failures.join('; ')}`)
  console.log(`${design}: the contract holds`)
  const attack = (each: Page): Promise<void> =>
    each.evaluate(([name, times]) => globalThis.checks.attack(name, times), [
      design,
      ADDED,
    ] as const)
  await Promise.all([attack(page), attack(other)])
  const counted = await page.evaluate((name) => globalThis.checks.count(name), design)
  const said = `${2 * ADDED} were added, ${counted.join(' read, ')} listed`
  if (counted.some((sum) => sum !== 2 * ADDED)) throw new Error(`${design} lost updates: ${said}`)
  console.log(`${design}: two tabs, ${said}`)
}

/** Verifies what the crash before has left, goes on, and ends the browser in the midst of it. */
async function crashOnce(
  server: Server,
  folder: string,
  design: Design,
  least: number,
): Promise<number> {
  const context = await chromium.launchPersistentContext(folder, chromiumLaunch())
  const page = await open(context, server, design)
  let last = least
  await page.exposeFunction('resolved', (n: number) => {
    last = n
  })
  try {
    await page.evaluate(
      ([name, from]) => globalThis.checks.crashTest(name, from, (n) => globalThis.resolved(n)),
      [design, least] as const,
    )
  } catch (error) {
    await context.close()
    throw error
  }
  const ended = new Promise<void>((resolve) => {
    context.on('close', () => resolve())
  })
  await new Promise((resolve) => {
    setTimeout(resolve, 1000 + Math.random() * 1000)
  })
  const session = await context.newCDPSession(page)
  // It never answers.
  session.send('Browser.crash').catch(() => {})
  await ended
  return last
}

declare global {
  var resolved: (n: number) => Promise<void>
}

async function serve(): Promise<Server> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  const script = outputFiles.map(({ text }) => text).join('\n')
  const html =
    '<!doctype html><meta charset="utf-8"><title>journal</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'
  const server = createServer((request, response) => {
    // Isolated from other origins, a page has a clock of 5 µs instead of 100.
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('cross-origin-embedder-policy', 'require-corp')
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : html)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

/** Each contender has an origin, and so a LevelDB, of its own. */
async function open(context: BrowserContext, server: Server, id: string): Promise<Page> {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const page = await context.newPage()
  page.on('pageerror', (error) => console.error(`${id}: ${String(error)}`))
  await page.goto(`http://${id}.localhost:${port}/`)
  await page.waitForFunction(() => 'phases' in globalThis && globalThis.crossOriginIsolated)
  return page
}

function keep(samples: Map<string, Map<string, number[]>>, id: string, times: Times): void {
  for (const [what, ms] of Object.entries(times)) {
    const row = samples.get(what) ?? new Map<string, number[]>()
    samples.set(what, row)
    row.set(id, [...(row.get(id) ?? []), ms])
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value)
}
