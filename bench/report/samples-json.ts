import type { Measured } from '../rounds.ts'

/** Every sample in milliseconds, by workload and candidate, for who wants to look again. */
export function samplesJson(all: readonly Measured[]): string {
  const lines = all.map(({ workload, samples }) => {
    const times = [...samples].map(([id, list]) => [
      id,
      list.map(({ ms }) => Number(ms.toPrecision(4))),
    ])
    return `${JSON.stringify(workload.id)}: ${JSON.stringify(Object.fromEntries(times))}`
  })
  return `{\n${lines.join(',\n')}\n}\n`
}
