// Runs the tests of the bridges, and writes their numbers into the tables of docs/bridges.md:
// npm run bridges
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** What a test records with `recordLostUpdates` of test/bridges/support/bridge.ts. */
interface LostUpdates {
  readonly updates: number
  readonly ours: number
  readonly theirs: number
  readonly theirName: string
}

/** The part of Vitest's JSON report that the table needs. */
interface VitestReport {
  readonly success: boolean
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly fullName: string
      readonly status: string
      readonly meta: { readonly lostUpdates?: LostUpdates }
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** The results of a bridge on a backend. */
interface Result {
  cases: number
  readonly lostUpdates: LostUpdates[]
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = 'docs/bridges.md'
const TABLES = /(?<=<!-- npm run bridges -->\n)[^]*(?=<!-- end -->)/
const HEAD = `| bridge | cases | lost of 100 with the bridge | lost with the framework's storage | its name | bytes |
| --- | --- | --- | --- | --- | ---: |
`
const VERSIONS_HEAD = `| bridge | tested with |
| --- | --- |
`
/** In the order of the figures in a cell. */
const BACKENDS = ['Memory', 'Durable Object', 'IndexedDB']
/** Separates the figures of a cell, with spaces at which no line breaks. */
export const SEPARATOR = '\u00A0/\u00A0'
/** The number of updates that the head of the table names. */
const UPDATES = 100

/** The development dependencies that the tests of a bridge run, if it is not named after them. */
const FRAMEWORKS: Readonly<Record<string, readonly string[]>> = {
  'chat-sdk': ['chat'],
  langgraph: ['@langchain/langgraph-checkpoint'],
  'openai-agents': ['@openai/agents'],
  unstorage: ['unstorage', 'unstorage-2'],
  'web-storage': [
    'zustand',
    '@tanstack/query-async-storage-persister',
    '@tanstack/ai-client',
    'redux-persist',
    'astro',
  ],
}

/** Returns the names of the bridges, which are the sub-paths of the package in `bridges/`. */
export function bridgeNames({ exports }: Manifest): string[] {
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target !== 'string' && target['botshelf-source']?.startsWith('./bridges/') === true
      ? path.slice('./'.length)
      : [],
  )
}

/** Returns the frameworks of a bridge with their versions, such as `keyv 6.1.0`. */
export function testedWith(bridge: string, { devDependencies }: Manifest): string {
  return (FRAMEWORKS[bridge] ?? [bridge])
    .map((name) => {
      const version = devDependencies[name]
      if (version === undefined) throw new Error(`${name} is not in devDependencies.`)
      // An alias names its package: npm:unstorage@2.0.0-beta.0
      const alias = /^npm:(.+)@(.+)$/.exec(version)
      return alias === null ? `${name} ${version}` : `${alias[1]} ${alias[2]}`
    })
    .join(', ')
}

/** Returns the bytes that a bridge adds to a bundle of the core, by the budgets of size-limit. */
export function bytesAdded(
  bridge: string,
  budgets: readonly { readonly name: string; readonly limit: string }[],
): string {
  const bytesOf = (name: string): number => {
    const budget = budgets.find((each) => each.name === name)
    if (budget === undefined) throw new Error(`.size-limit.json has no "${name}".`)
    return Number(budget.limit.replace(' B', ''))
  }
  return (bytesOf(`core + ${bridge} bridge`) - bytesOf('core')).toLocaleString('en')
}

/** Returns the text of docs/bridges.md with these budgets in the last column of the table of results. */
export function withBytes(page: string, budgets: Parameters<typeof bytesAdded>[1]): string {
  return page.replaceAll(
    /^(\| \[([\w-]+)\]\(bridges\/.+ \| )[\d,]+ \|$/gm,
    (_, row: string, bridge: string) => `${row}${bytesAdded(bridge, budgets)} |`,
  )
}

function runTests(): VitestReport {
  const folder = mkdtempSync(join(tmpdir(), 'botshelf-'))
  try {
    const file = join(folder, 'report.json')
    const options = ['run', 'test/bridges', '--reporter=json', `--outputFile=${file}`]
    const { status, stderr } = spawnSync('vitest', options, {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    // The frameworks' source maps alone cause hundreds of warnings.
    if (status !== 0) console.error(stderr)
    return JSON.parse(readFileSync(file, 'utf8')) as VitestReport
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Returns the results by `bridge | backend`. */
function countCases({ testResults }: VitestReport): Map<string, Result> {
  const results = new Map<string, Result>()
  for (const { ancestorTitles, status, meta } of testResults.flatMap(
    ({ assertionResults }) => assertionResults,
  )) {
    const [, id] = /^bridge \| (.+)$/.exec(ancestorTitles[0] ?? '') ?? []
    if (id === undefined || status !== 'passed') continue
    const result = results.get(id) ?? { cases: 0, lostUpdates: [] }
    results.set(id, result)
    result.cases++
    if (meta.lostUpdates === undefined) continue
    if (meta.lostUpdates.updates !== UPDATES)
      throw new Error(`${id} must count ${UPDATES} updates.`)
    result.lostUpdates.push(meta.lostUpdates)
  }
  return results
}

/** Formats a figure for each backend. One has several values if versions of a framework differ. */
function formatFigures(
  results: readonly Result[],
  figuresOf: (result: Result) => readonly number[],
): string {
  const figures = results.map((result) => [...new Set(figuresOf(result))].join(', ') || '–')
  return figures.join(SEPARATOR)
}

/** Formats the names of the frameworks' storages, with their backends if they differ. */
function formatTheirNames(results: readonly Result[]): string {
  const backends = new Map<string, Set<string>>()
  for (const [index, { lostUpdates }] of results.entries()) {
    for (const { theirName } of lostUpdates) {
      const ofName = backends.get(theirName) ?? new Set()
      backends.set(theirName, ofName.add(BACKENDS[index] ?? ''))
    }
  }
  const names = Array.from(backends, ([name, ofName]) =>
    backends.size === 1 ? name : `${name} (${[...ofName].join(', ')})`,
  )
  return names.join('; ')
}

function formatTables(results: ReadonlyMap<string, Result>): string {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const budgets = JSON.parse(readFileSync(join(ROOT, '.size-limit.json'), 'utf8')) as []
  const bridges = bridgeNames(manifest)
  const rows = bridges.map((bridge) => {
    const ofBridge = BACKENDS.map(
      (backend) => results.get(`${bridge} | ${backend}`) ?? { cases: 0, lostUpdates: [] },
    )
    return [
      `[${bridge}](bridges/${bridge}.md)`,
      formatFigures(ofBridge, ({ cases }) => [cases]),
      formatFigures(ofBridge, ({ lostUpdates }) => lostUpdates.map(({ ours }) => ours)),
      formatFigures(ofBridge, ({ lostUpdates }) => lostUpdates.map(({ theirs }) => theirs)),
      formatTheirNames(ofBridge),
      bytesAdded(bridge, budgets),
    ]
  })
  const versions = bridges.map((bridge) => [bridge, testedWith(bridge, manifest)])
  return `\n${HEAD}${formatRows(rows)}\n${VERSIONS_HEAD}${formatRows(versions)}\n`
}

function formatRows(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

if (import.meta.main) {
  const report = runTests()
  for (const { fullName, failureMessages = [] } of report.testResults.flatMap(
    ({ assertionResults }) => assertionResults,
  )) {
    // Without the stack trace, which follows the message.
    for (const message of failureMessages)
      console.error(`FAILED ${fullName}\n${message.split(/\n\s+at /)[0]}`)
  }
  if (report.success) {
    const file = join(ROOT, PAGE)
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(TABLES, formatTables(countCases(report))),
    )
    console.log(`Wrote ${PAGE}.`)
  } else {
    console.error(`A test failed, so ${PAGE} is unchanged.`)
    process.exitCode = 1
  }
}
