import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { killGroup } from './kill-group.ts'
import type { Row } from './report.ts'

/** The part of Vitest's JSON report that the table needs. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

interface Counts {
  cases: number
  passed: number
  exempt: number
  readonly failures: string[]
}

/** What to run with Vitest for one engine. */
export interface VitestRun {
  /** The engine as the titles of the cases name it. */
  readonly engine: string
  /** The project of Vitest. */
  readonly project: string
  /** Parts of the paths of the files to run. */
  readonly files: readonly string[]
}

/** The backends, by their names in the paths of histories. */
const BACKENDS: Readonly<Record<string, string>> = {
  'durable-object': 'DurableObject',
  indexeddb: 'IndexedDB, tabs of Chromium',
  memory: 'Memory',
}

/** Runs the suites of some files, and counts the cases by suite and backend. */
export async function runVitest({ engine, project, files }: VitestRun): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-engines-'))
  try {
    const file = join(folder, 'report.json')
    const options = ['--project', project, '--reporter=json', `--outputFile=${file}`]
    await run('vitest', ['run', ...files, ...options])
    return countRows(engine, JSON.parse(await readFile(file, 'utf8')) as VitestReport)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 2], detached: true })
  const kill = (): void => killGroup(child)
  process.once('exit', kill)
  return new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve()).once('error', reject)
  }).finally(() => process.off('exit', kill))
}

/**
 * Counts the cases of a report. The outer title of a case is `suite | backend | engine`; a history has
 * its backend in the path of its file.
 */
export function countRows(engine: string, { testResults }: VitestReport): Row[] {
  const rows = new Map<string, Counts>()
  const countsOf = (suite: string, backend: string): Counts => {
    const id = `${suite} | ${backend}`
    const counts = rows.get(id) ?? { cases: 0, passed: 0, exempt: 0, failures: [] }
    rows.set(id, counts)
    return counts
  }
  for (const { name, status, message, assertionResults } of testResults) {
    // A file that cannot be loaded fails without a case.
    if (status === 'failed' && assertionResults.length === 0) {
      const counts = countsOf('files', name)
      counts.cases++
      counts.failures.push(message ?? 'the file failed')
    }
    for (const { ancestorTitles, title, status: result, failureMessages } of assertionResults) {
      const id = readId(name, ancestorTitles[0] ?? '', engine)
      if (id === undefined) continue
      const counts = countsOf(id.suite, id.backend)
      counts.cases++
      if (result === 'passed') counts.passed++
      // Without the stack trace, which follows the message.
      else if (result === 'failed')
        counts.failures.push(failureMessages?.[0]?.split(/\n\s+at /)[0] ?? title)
      else counts.exempt++
    }
  }
  return [...rows].map(([id, counts]) => {
    const [suite = '', backend = ''] = id.split(' | ')
    return { suite, backend, ...counts }
  })
}

function readId(
  file: string,
  title: string,
  engine: string,
): { readonly suite: string; readonly backend: string } | undefined {
  const history = /([^/]+)\/histories\.|\/histories\/([^./]+)/.exec(file)
  if (history !== null) {
    const name = history[1] ?? history[2] ?? ''
    return { suite: 'histories', backend: BACKENDS[name] ?? name }
  }
  const [suite = '', backend, where = engine] = title.split(' | ')
  if (backend === undefined) return undefined
  return { suite, backend: where === engine ? backend : `${backend}, ${where}` }
}
