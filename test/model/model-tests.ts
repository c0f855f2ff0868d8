import { expect, test } from 'vitest'
import { reportFigures } from '../support/report-figures.ts'
import {
  type CreateData,
  type ModelCheck,
  type ModelResult,
  runModel,
  testTimeoutMs,
} from './check-model.ts'

/** A backend to test, and how much. */
export interface ModelTest extends Omit<ModelCheck, 'createData' | 'hasBursts'> {
  /** Calls `check` with the data to use, where that can be reached: perhaps inside an object. */
  readonly run: (check: (createData: CreateData) => Promise<ModelResult>) => Promise<ModelResult>
}

/** Tests that each call of a store has the documented result. */
export function testSequentialCalls(engine: string, options: ModelTest): void {
  test(
    `${engine}: each call has the documented result`,
    () => runTest(engine, options, false),
    testTimeoutMs(options),
  )
}

/** Tests that calls which start in one tick have the documented results of some order of them. */
export function testConcurrentCalls(engine: string, options: ModelTest): void {
  test(
    `${engine}: calls of one tick have the documented results of some order of these calls`,
    () => runTest(engine, options, true),
    testTimeoutMs(options),
  )
}

async function runTest(engine: string, options: ModelTest, hasBursts: boolean): Promise<void> {
  const { runs, calls, seed, failure } = await options.run((createData) =>
    runModel({ ...options, createData, hasBursts }),
  )
  expect(failure).toBe(undefined)
  const suite = hasBursts ? 'model, concurrent calls' : 'model, sequential calls'
  reportFigures({ engine, suite, cases: runs, calls, seed })
}
