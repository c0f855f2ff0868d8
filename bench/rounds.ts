import type { Engine } from './engines/engine.ts'
import type { Sample } from './task.ts'
import type { Workload } from './workload.ts'

/** The results of one workload. */
export interface Measured {
  readonly workload: Workload
  /** The samples of each candidate, one per timed round. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  /** Calls to the platform and lost updates, as counted in the round that is not timed. */
  readonly counted: ReadonlyMap<string, Sample>
}

/**
 * Measures the workloads of one engine. Each round takes one sample of every candidate, in a new
 * random order, so that what slows the machine down affects all of them. The first round is not
 * timed: it fills the databases, verifies all content and counts calls.
 */
export async function measure(
  engine: Engine,
  workloads: readonly Workload[],
  rounds: number,
  onProgress: (line: string) => void,
): Promise<readonly Measured[]> {
  const results = workloads.map((workload) => ({
    workload,
    samples: new Map(workload.candidates.map((candidate) => [candidate, [] as Sample[]])),
    counted: new Map<string, Sample>(),
  }))
  for (let round = 0; round <= rounds; round++) {
    for (const { workload, samples, counted } of results) {
      const lastRound = Math.min(rounds, workload.rounds ?? rounds)
      if (round > lastRound) continue
      for (const candidate of shuffle(workload.candidates)) {
        const sample = await takeSample(engine, workload, candidate, round)
        if (round === 0) counted.set(candidate, sample)
        else samples.get(candidate)?.push(sample)
      }
      onProgress(`round ${round} of ${lastRound}: ${workload.id}`)
    }
  }
  return results
}

async function takeSample(
  engine: Engine,
  workload: Workload,
  candidate: string,
  round: number,
): Promise<Sample> {
  try {
    return await engine.sample(workload, candidate, round)
  } catch (cause) {
    throw new Error(`Workload ${workload.id} failed for ${candidate}: ${String(cause)}`, { cause })
  }
}

function shuffle<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
