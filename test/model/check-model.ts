// Runs random commands on a backend and on a model of a store, and compares the two.
//
// A failure prints the seed and the path. To repeat it, add both to the options of the test, or in Node
// set variables:
//
//   BOTSHELF_SEED=123 BOTSHELF_PATH=7:1:0 vitest run --project node test/model/memory.test.ts -t 'each call'
//
// BOTSHELF_RUNS sets the number of runs there. Elsewhere it is the option `runs`.

import * as fc from 'fast-check'
import { type Command, commands } from './commands.ts'
import type { CompareKeys } from './model.ts'
import { type CreatePlugin, ModelSession } from './session.ts'

/** Prepares the data of one run. It may be that of the run before: a run begins with `clear`. */
export type CreateData = () => CreatePlugin

/** What is checked, and how much of it. */
export interface ModelCheck {
  readonly createData: CreateData
  /** The order of listings. */
  readonly compare: CompareKeys
  readonly runs: number
  /** The most commands of a run. */
  readonly maxCommands: number
  /** Whether a run has calls that start in one tick. The backend must be atomic. */
  readonly hasBursts: boolean
  /** Default: random. */
  readonly seed?: number
  /** Which run of the seed to repeat, and how it was shortened. Default: all runs. */
  readonly path?: string
}

/** What was checked. */
export interface ModelResult {
  readonly runs: number
  readonly calls: number
  readonly seed: number
  /** Describes the shortest failing run; `undefined` if no run failed. */
  readonly failure: string | undefined
  /** The commands of that run. */
  readonly counterexample: readonly Command[] | undefined
}

// Not `import.meta.env`: Vitest keeps it in its cache of modules. A page has no `process`.
const { process } = globalThis as {
  readonly process?: { readonly env: Readonly<Record<string, string | undefined>> }
}
const { BOTSHELF_SEED, BOTSHELF_PATH, BOTSHELF_RUNS } = process?.env ?? {}

/** A run that takes longer has failed. */
const RUN_TIMEOUT_MS = 20_000
/** Returns when the runs, or the search for a shorter failing run, end with a failure. */
function searchTimeoutMs(runs: number): number {
  return 100_000 + 1000 * runs
}

/** Returns a timeout for a test that is long enough for the report of a failure. */
export function testTimeoutMs({ runs }: Pick<ModelCheck, 'runs'>): number {
  return searchTimeoutMs(Number(BOTSHELF_RUNS ?? runs)) + 2 * RUN_TIMEOUT_MS
}

/** Runs random commands. Resolves also if a run fails. */
export async function runModel(check: ModelCheck): Promise<ModelResult> {
  let calls = 0
  const namespaces = [0, 1].map((index) => `model-${index}-${crypto.randomUUID()}`)
  const property = fc.asyncProperty(commands(check), async (list) => {
    const backend = { createPlugin: check.createData(), compare: check.compare }
    const session = await ModelSession.start(backend, namespaces)
    try {
      for (const command of list) await session.run(command)
      await session.end()
    } finally {
      calls += session.calls
      await session.close()
    }
  })
  const runs = Number(BOTSHELF_RUNS ?? check.runs)
  const seedOption = BOTSHELF_SEED ?? check.seed
  const path = BOTSHELF_PATH ?? check.path
  const details = await fc.check(property, {
    numRuns: runs,
    ...(seedOption !== undefined && { seed: Number(seedOption) }),
    ...(path !== undefined && { path }),
    plugins: [
      // Otherwise many runs have few commands.
      fc.unbiased(),
      fc.timeout(RUN_TIMEOUT_MS),
      fc.interruptAfterTimeLimit(searchTimeoutMs(runs), { failOnInterrupt: true }),
    ],
  })
  const { numRuns, seed, failed, errorInstance, counterexample } = details
  const failure = failed
    ? `${await fc.asyncDefaultReportMessage(details)}\n${String(errorInstance)}`
    : undefined
  // The types of the plugins hide that of the property.
  const [shortest] = (counterexample ?? []) as readonly (readonly Command[])[]
  return { runs: numRuns, calls, seed, failure, counterexample: shortest }
}
