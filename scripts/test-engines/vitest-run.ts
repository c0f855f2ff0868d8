import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** The files that contain a suite: a part of their paths. */
const SUITE_FILES = ['conformance.', 'test/histories/']

/** Runs the suites in projects of Vitest, and counts the cases by suite and backend. */
export async function runVitest(projects: readonly string[]): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-engines-'))
  try {
    const file = join(folder, 'report.json')
    const args = projects.flatMap((project) => ['--project', project])
    await run('vitest', [
      'run',
      ...SUITE_FILES,
      ...args,
      '--passWithNoTests',
      '--reporter=json',
      `--outputFile=${file}`,
    ])
    return countRows(JSON.parse(await readFile(file, 'utf8')) as VitestReport)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 2] })
  return new Promise((resolve, reject) => {
    child.once('exit', () => resolve()).once('error', reject)
  })
}

/**
 * Counts the cases of a report. The outer title of a case is `suite | backend | engine`; a history has
 * its backend in the name of its file.
 */
export function countRows({ testResults }: VitestReport): Row[] {
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
      const history = /\/histories\/([^./]+)/.exec(name)?.[1]
      const titles = (ancestorTitles[0] ?? '').split(' | ')
      const [suite = '', backend] = history === undefined ? titles : ['histories', history]
      if (backend === undefined) continue
      const counts = countsOf(suite, backend)
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
