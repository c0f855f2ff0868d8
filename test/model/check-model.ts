// Runs random commands on a backend and on a model of a store, and compares the two.
//
// A failure prints the seed and the path. To repeat it, run the test file with both:
//
//   VITE_BOTSHELF_SEED=123 VITE_BOTSHELF_PATH=7:1:0 vitest run --project node test/model/memory.test.ts
//
// VITE_BOTSHELF_RUNS sets the number of runs. Vite passes variables with this prefix to a page and to
// workerd too.

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

interface Environment {
  readonly VITE_BOTSHELF_SEED?: string
  readonly VITE_BOTSHELF_PATH?: string
  readonly VITE_BOTSHELF_RUNS?: string
}

const { VITE_BOTSHELF_SEED, VITE_BOTSHELF_PATH, VITE_BOTSHELF_RUNS } = (
  import.meta as unknown as { readonly env: Environment }
).env

/** A run that takes longer has failed. */
const RUN_TIMEOUT_MS = 20_000
/** Then the runs, or the search for a shorter failing run, end with a failure. */
const SEARCH_TIMEOUT_MS = VITE_BOTSHELF_RUNS === undefined ? 200_000 : 3_600_000
/** The timeout of the test: long enough for the report of a failure. */
export const TEST_TIMEOUT_MS: number = SEARCH_TIMEOUT_MS + 2 * RUN_TIMEOUT_MS

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
  const details = await fc.check(property, {
    numRuns: Number(VITE_BOTSHELF_RUNS ?? check.runs),
    ...((VITE_BOTSHELF_SEED !== undefined || check.seed !== undefined) && {
      seed: Number(VITE_BOTSHELF_SEED ?? check.seed),
    }),
    ...(VITE_BOTSHELF_PATH !== undefined && { path: VITE_BOTSHELF_PATH }),
    plugins: [
      // Otherwise many runs have few commands.
      fc.unbiased(),
      fc.timeout(RUN_TIMEOUT_MS),
      fc.interruptAfterTimeLimit(SEARCH_TIMEOUT_MS, { failOnInterrupt: true }),
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
