import { FunctionTrial } from '../functions/function-trial.ts'
import type { Engine } from './engine.ts'
import { exposeGarbageCollector } from './garbage-collector.ts'

/** Calls functions in this process. */
export async function startFunctions(): Promise<Engine> {
  const collectGarbage = exposeGarbageCollector()
  const trials = new Map<string, FunctionTrial>()
  return {
    async sample({ id, task }, candidate, round) {
      const key = `${id} ${candidate}`
      const trial = trials.get(key) ?? new FunctionTrial(candidate, task)
      trials.set(key, trial)
      // Garbage of earlier samples must not be collected during this one.
      collectGarbage()
      const start = performance.now()
      const results = trial.run()
      const ms = performance.now() - start
      if (round === 0) trial.verify(results)
      return { ms }
    },
    async stop() {},
  }
}
