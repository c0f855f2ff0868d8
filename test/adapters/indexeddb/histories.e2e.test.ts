import { randomInt } from 'node:crypto'
import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { type CallRecord, checkHistory } from '../../../src/testing/index.ts'
import { reportFigures } from '../../support/report-figures.ts'
import { eventually, type PageOrWorker, type TestOrigin, useChromium } from './support/chromium.ts'

const browser = useChromium()

// `SEED=1 vitest run …` repeats the calls of a run, though not the order in which tabs run.

const CALLS_BEFORE_CRASH = 30
/** How far to search, about a second. A search that needs more ends undecided. */
const MAX_STATES = 100_000
/** Of about ten searches: one for each key, and one for the keys that calls use together. */
const MAX_UNDECIDED = 2

interface RunOptions {
  readonly name: string
  readonly seed: number
  readonly faultRate: number
}

function run(place: PageOrWorker, options: RunOptions): Promise<readonly CallRecord[]> {
  return place.evaluate((scenario) => harness.history.run(scenario), {
    ...options,
    clients: 2,
    calls: 35,
  })
}

/** Kills a tab while it makes calls. Resolves to the records of its calls. */
async function killWhileRunning(tab: Page, options: RunOptions): Promise<readonly CallRecord[]> {
  run(tab, options).catch(() => {})
  await eventually(() => tab.evaluate(() => harness.history.callCount)).toBeGreaterThan(
    CALLS_BEFORE_CRASH,
  )
  // A crash takes a while, in which the page goes on.
  const records = await tab.evaluate(() => harness.history.stop())
  await browser.crash(tab)
  return records
}

interface Verdict {
  /** What cannot be, given the calls of all tabs and what is stored. */
  readonly violations: readonly string[]
  /** The searches that ended undecided. */
  readonly undecided: readonly string[]
}

async function checkTabs(origin: TestOrigin, records: readonly CallRecord[]): Promise<Verdict> {
  const reader = await origin.openTab()
  const contents = await reader.evaluate(() => harness.history.readContents())
  const found = checkHistory(records, contents, { maxStates: MAX_STATES })
  const undecided = found.filter(({ kind }) => kind === 'undecided')
  const violations = found.filter(({ kind }) => kind !== 'undecided')
  return {
    violations: violations.map(({ message }) => message),
    undecided: undecided.map(({ message }) => message),
  }
}

const READS: readonly string[] = ['get', 'has', 'getMany', 'keys', 'entries']

function countWrites(records: readonly CallRecord[], outcome: string): number {
  const writes = records.filter(({ method }) => !READS.includes(method))
  return writes.filter((record) => record.outcome === outcome).length
}

test('the calls of three tabs and a worker are linearizable, although connections close, transactions are deaf and a tab crashes', async () => {
  const seed = Number(process.env['SEED'] ?? randomInt(1e6))
  const origin = browser.newOrigin()
  const [[first, second], killed] = await Promise.all([origin.openTwoTabs(), origin.openTab()])
  const worker = await origin.startWorker(first)
  const faultRate = 0.06
  const all = await Promise.all([
    run(first, { name: 'first', seed, faultRate }),
    run(second, { name: 'second', seed: seed + 1, faultRate }),
    run(worker, { name: 'worker', seed: seed + 2, faultRate }),
    killWhileRunning(killed, { name: 'killed', seed: seed + 3, faultRate }),
  ])
  const records = all.flat()
  const { violations, undecided } = await checkTabs(origin, records)
  expect(violations, `seed ${seed}`).toEqual([])
  expect(undecided.length, `seed ${seed}: ${undecided.join(' ')}`).toBeLessThanOrEqual(
    MAX_UNDECIDED,
  )
  const places = [first, second, worker]
  const faults = await Promise.all(
    places.map((place) => place.evaluate(() => harness.history.faultCount)),
  )
  const figures = {
    calls: records.length,
    faults: faults.reduce((sum, count) => sum + count, 0),
    acknowledged: countWrites(records, 'applied'),
    unknown: countWrites(records, 'unknown'),
    undecided: undecided.length,
  }
  expect(figures.calls).toBeGreaterThan(3 * 70)
  expect(figures.faults).toBeGreaterThan(0)
  expect(figures.acknowledged).toBeGreaterThan(50)
  expect(figures.unknown).toBeGreaterThan(0)
  reportFigures({
    engine: 'IndexedDB, Chromium',
    suite: 'histories of tabs',
    cases: 1,
    kills: 1,
    lost: 0,
    torn: 0,
    seed,
    ...figures,
  })
})

test('a browser that loses every tenth write of a tab is found', async () => {
  const seed = Number(process.env['SEED'] ?? randomInt(1e6))
  const origin = browser.newOrigin()
  const [first, second] = await origin.openTwoTabs()
  await first.evaluate(() => {
    let puts = 0
    harness.replaceMethod(
      IDBObjectStore.prototype,
      'put',
      (put) =>
        function (this: IDBObjectStore, ...parameters) {
          const isLost = this.name === 'entries' && ++puts % 10 === 0
          return isLost ? (this.getKey('') as IDBRequest<IDBValidKey>) : put.apply(this, parameters)
        },
    )
  })
  const all = await Promise.all([
    run(first, { name: 'first', seed, faultRate: 0 }),
    run(second, { name: 'second', seed: seed + 1, faultRate: 0 }),
  ])
  const { violations } = await checkTabs(origin, all.flat())
  expect(violations, `seed ${seed}`).not.toEqual([])
})
