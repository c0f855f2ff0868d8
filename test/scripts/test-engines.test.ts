import { afterEach, describe, expect, test } from 'vitest'
import { type PageMessage, PageRun } from '../../scripts/test-engines/page-run.ts'
import { formatReports, hasFailed, type Row } from '../../scripts/test-engines/report.ts'
import { countRows } from '../../scripts/test-engines/vitest-run.ts'

const ROW: Row = {
  backend: 'IndexedDB',
  suite: 'conformance',
  cases: 3,
  passed: 2,
  exempt: 1,
  failures: [],
}

const verdict = (rows: readonly Row[], stopped?: string): boolean =>
  hasFailed({ engine: 'Firefox', rows, ...(stopped === undefined ? {} : { stopped }) })

const assertion = (status: string, failureMessages: string[] = []) => ({
  ancestorTitles: ['conformance | Memory | Node'],
  title: 'a case',
  status,
  failureMessages,
})

describe('test:engines', () => {
  test('an engine has failed if a case failed, it stopped early, or no case passed', () => {
    expect(verdict([ROW])).toBe(false)
    expect(verdict([ROW, { ...ROW, failures: ['key/order: wrong order'] }])).toBe(true)
    expect(verdict([ROW], 'the page crashed')).toBe(true)
    expect(verdict([])).toBe(true)
    expect(verdict([{ ...ROW, passed: 0, exempt: 3 }])).toBe(true)
  })

  test('the table shows each failure and each engine that did not run', () => {
    const text = formatReports([
      { engine: 'Firefox', version: '153.0', rows: [{ ...ROW, failures: ['key/order: wrong'] }] },
      { engine: 'WebKit', rows: [], notRun: 'not found' },
    ])
    expect(text.split('\n')).toEqual([
      'engine   version  backend    suite        cases  passed  exempt  failed',
      'Firefox  153.0    IndexedDB  conformance      3       2       1       1',
      'FAILED Firefox, IndexedDB, conformance: key/order: wrong',
      'NOT RUN WebKit: not found',
    ])
  })

  test('cases of Vitest are counted by suite and backend, without the stack of a failure', () => {
    const rows = countRows('Node', {
      testResults: [
        {
          name: 'memory.test.ts',
          status: 'failed',
          assertionResults: [
            assertion('passed'),
            assertion('pending'),
            assertion('failed', ['Error: lost\n    at file.ts:1:1']),
            { ...assertion('passed'), ancestorTitles: ['conformance | CloudflareKV | Node on KV'] },
            { ancestorTitles: ['another test'], title: 'a case', status: 'failed' },
          ],
        },
        {
          name: '/repository/test/histories/memory.test.ts',
          status: 'passed',
          assertionResults: [{ ancestorTitles: [], title: 'seed 2', status: 'passed' }],
        },
        {
          name: '/repository/test/adapters/durable-object/histories.workerd.test.ts',
          status: 'passed',
          assertionResults: [{ ancestorTitles: ['chaos'], title: 'seed 2', status: 'passed' }],
        },
        {
          name: 'broken.test.ts',
          status: 'failed',
          message: 'cannot be loaded',
          assertionResults: [],
        },
      ],
    })
    expect(rows).toEqual([
      {
        suite: 'conformance',
        backend: 'Memory',
        cases: 3,
        passed: 1,
        exempt: 1,
        failures: ['Error: lost'],
      },
      {
        suite: 'conformance',
        backend: 'CloudflareKV, Node on KV',
        cases: 1,
        passed: 1,
        exempt: 0,
        failures: [],
      },
      {
        suite: 'histories',
        backend: 'Memory',
        cases: 1,
        passed: 1,
        exempt: 0,
        failures: [],
      },
      {
        suite: 'histories',
        backend: 'DurableObject',
        cases: 1,
        passed: 1,
        exempt: 0,
        failures: [],
      },
      {
        suite: 'files',
        backend: 'broken.test.ts',
        cases: 1,
        passed: 0,
        exempt: 0,
        failures: ['cannot be loaded'],
      },
    ])
  })
})

describe('the server of the test page', () => {
  let run: PageRun | undefined
  afterEach(() => run?.stop())

  async function start(): Promise<(message: PageMessage) => Promise<unknown>> {
    const { port } = (run = await PageRun.start('127.0.0.1', () => {}))
    return (message) =>
      fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(message) })
  }

  test('ends with the rows that the page has sent', async () => {
    const send = await start()
    await send({ type: 'row', row: ROW })
    await send({ type: 'end', userAgent: 'Firefox/153.0' })
    expect(await run?.result).toEqual({ rows: [ROW], userAgent: 'Firefox/153.0' })
  })

  test('reports why the page stopped, with the rows before', async () => {
    const send = await start()
    await send({ type: 'row', row: ROW })
    await send({ type: 'error', message: 'SecurityError' })
    expect(await run?.result).toEqual({ rows: [ROW], stopped: 'SecurityError' })
  })
})
