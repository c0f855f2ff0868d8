import { expect, test } from 'vitest'
import { readFigures, renderTrust, type TrustSources } from '../../scripts/trust-report.ts'

const SOURCES: TrustSources = {
  date: '2026-01-02',
  versions: 'botshelf 1, Node 2, workerd 3',
  figures: [{ engine: 'Memory, Node', suite: 'model', cases: 2000, acknowledged: 41_000, lost: 0 }],
  engines: [
    {
      engine: 'Firefox',
      version: '1',
      rows: [
        {
          backend: 'IndexedDB',
          suite: 'conformance',
          cases: 9,
          passed: 6,
          exempt: 2,
          failures: ['no'],
        },
      ],
    },
    { engine: 'WebKit', rows: [], notRun: 'install it' },
  ],
  crash: {
    seed: 7,
    rows: [
      {
        engine: 'IndexedDB, Chromium',
        suite: 'crash',
        mode: 'kill -9',
        isControl: false,
        hasFailed: false,
        cases: 20,
        kills: 20,
        lost: 0,
        erased: 1,
        reported: 1,
      },
      {
        engine: 'IndexedDB, Chromium',
        suite: 'crash',
        mode: 'relaxed',
        isControl: true,
        hasFailed: false,
        cases: 5,
        kills: 5,
        lost: 70,
      },
    ],
  },
  soaks: [],
}

test('a row has its counts, what was exempt or failed, and the command that repeats it', () => {
  const page = renderTrust(SOURCES)
  expect(page).toContain(
    '| IndexedDB, Firefox 1 | conformance (2 exempt, **1 failed**) | 9 |  |  |  |  |  |  | `npm run test:engines -- --only firefox` |',
  )
  expect(page).toContain('| Memory, Node | model | 2,000 |  |  | 41,000 | 0 |  |  | `npm test` |')
  expect(page).toContain(
    '| IndexedDB, Chromium | kill -9 (erased by the browser: 1, reported: 1) | 20 |  | 20 |  | 0 |  |  | `npm run test:crash -- --seed 7` |',
  )
  expect(page.split('## Controls')[1]).toContain('| IndexedDB, Chromium | relaxed | 5 |')
})

test('searches that ended undecided are counted', () => {
  const figures = [{ engine: 'e', suite: 'histories', cases: 1, undecided: 2 }]
  const page = renderTrust({ ...SOURCES, figures })
  expect(page).toContain('| e | histories (searches undecided: 2) | 1 |')
})

test('what was not run is named, with the reason or the command', () => {
  const page = renderTrust(SOURCES)
  expect(page).toContain('Not run: `npm run test:soak`.')
  expect(page).toContain('| WebKit | all (install it) |')
})

test('figures are read from lines with colours and indentation', () => {
  const output = 'a\n  \u001B[2mbotshelf-figures {"engine":"e","suite":"s","cases":1}\u001B[22m\nb'
  expect(readFigures(output)).toEqual([{ engine: 'e', suite: 's', cases: 1 }])
})
