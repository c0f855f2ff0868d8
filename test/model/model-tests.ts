import { expect, test } from 'vitest'
import type { StoragePluginBase } from '../../src/index.ts'
import { reportFigures } from '../support/report-figures.ts'
import { type ModelCheck, type ModelResult, runModel } from './check-model.ts'

/** A backend to test, and how much. */
export interface ModelTest extends Omit<ModelCheck, 'createPlugin' | 'hasBursts'> {
  /**
   * Passes a function to `check` that creates a plugin over the same data, as another client has it.
   * The check may run elsewhere, as inside of an object.
   */
  readonly withPlugins: (
    check: (createPlugin: () => StoragePluginBase) => Promise<ModelResult>,
  ) => Promise<ModelResult>
}

/** Tests that each call of a store has the documented result. */
export function testSequentialCalls(engine: string, options: ModelTest): void {
  test(`${engine}: each call has the documented result`, () => run(engine, options, false), TIMEOUT)
}

/** Tests that calls which start in one tick have the documented results of some order of them. */
export function testConcurrentCalls(engine: string, options: ModelTest): void {
  test(
    `${engine}: calls of one tick have the documented results of some order of these calls`,
    () => run(engine, options, true),
    TIMEOUT,
  )
}

/** In milliseconds. */
const TIMEOUT = 240_000

async function run(engine: string, options: ModelTest, hasBursts: boolean): Promise<void> {
  const { runs, calls, seed, failure } = await options.withPlugins((createPlugin) =>
    runModel({ ...options, createPlugin, hasBursts }),
  )
  expect(failure).toBe(undefined)
  const suite = hasBursts ? 'model, concurrent calls' : 'model, sequential calls'
  reportFigures({ engine, suite, cases: runs, calls, seed })
}
