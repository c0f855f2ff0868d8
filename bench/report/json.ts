import type { Measured } from '../rounds.ts'

/** Returns every sample in milliseconds as JSON, by workload and candidate. */
export function renderJson(results: readonly Measured[]): string {
  const lines = results.map(({ workload, samples }) => {
    const times = [...samples].map(([id, list]) => [
      id,
      list.map(({ ms }) => Number(ms.toPrecision(4))),
    ])
    return `${JSON.stringify(workload.id)}: ${JSON.stringify(Object.fromEntries(times))}`
  })
  return `{\n${lines.join(',\n')}\n}\n`
}
