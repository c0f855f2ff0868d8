import { describe, test } from 'vitest'
import type { ConformanceCase } from '../../src/conformance.ts'

/** Runs conformance cases as tests. `npm run test:engines` reads the title to count them. */
export function runConformance(
  plugin: string,
  engine: string,
  cases: readonly ConformanceCase[],
): void {
  describe(`conformance | ${plugin} | ${engine}`, () => {
    for (const { id, name, run } of cases) {
      test(`${id}: ${name}`, async ({ skip }) => {
        const exempt = await run()
        if (exempt !== undefined) skip(exempt)
      })
    }
  })
}
