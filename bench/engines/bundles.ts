import { readFile } from 'node:fs/promises'
import type { Engine } from './engine.ts'

/**
 * Reads the sizes of bundles from the budgets, which `npm run size:update` sets to what it measures
 * and `npm test` enforces.
 */
export async function startBundles(): Promise<Engine> {
  const file = new URL('../../.size-limit.json', import.meta.url)
  const budgets = JSON.parse(await readFile(file, 'utf8')) as readonly {
    readonly name: string
    readonly limit: string
  }[]
  return {
    async sample(_workload, candidate) {
      const limit = budgets.find(({ name }) => name === candidate)?.limit
      const bytes = Number(limit?.replace(/ B$/, ''))
      if (!Number.isSafeInteger(bytes))
        throw new Error(`Expected a budget in bytes for ${candidate}; received ${String(limit)}.`)
      return { ms: 0, bytes }
    },
    async stop() {},
  }
}
