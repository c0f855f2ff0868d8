import type { Engine } from './engines/engine.ts'
import type { Sample } from './task.ts'
import type { Workload } from './workload.ts'

/** What was measured of one workload: the samples of each candidate, by round. */
export interface Measured {
  readonly workload: Workload
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  /** What the platform was asked for, and what was lost, as counted in the round that was not timed. */
  readonly counted: ReadonlyMap<string, Sample>
}

/**
 * Measures workloads of one engine. A round takes one sample of each candidate, one after another
 * and in an order drawn anew, so that what slows the machine down slows all of them. The first
 * round is not timed: it fills, verifies and counts.
 */
export async function measure(
  engine: Engine,
  workloads: readonly Workload[],
  rounds: number,
  tell: (line: string) => void,
): Promise<readonly Measured[]> {
  const all = workloads.map((workload) => ({
    workload,
    samples: new Map(workload.candidates.map((each) => [each, [] as Sample[]])),
    counted: new Map<string, Sample>(),
  }))
  for (let round = 0; round <= rounds; round++) {
    for (const { workload, samples, counted } of all) {
      if (round > (workload.rounds ?? rounds)) continue
      for (const candidate of shuffled(workload.candidates)) {
        const sample = await take(engine, workload, candidate, round)
        if (round === 0) counted.set(candidate, sample)
        else samples.get(candidate)?.push(sample)
      }
      tell(`round ${round} of ${Math.min(rounds, workload.rounds ?? rounds)}: ${workload.id}`)
    }
  }
  return all
}

async function take(
  engine: Engine,
  workload: Workload,
  candidate: string,
  round: number,
): Promise<Sample> {
  try {
    return await engine.sample(workload, candidate, round)
  } catch (cause) {
    throw new Error(`${workload.id} failed for ${candidate}: ${String(cause)}`, { cause })
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value)
}
