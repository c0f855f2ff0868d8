import type { Sample } from '../task.ts'
import type { Workload } from '../workload.ts'

/** Where candidates run, started once for a group of workloads. */
export interface Engine {
  /** Takes one sample. Round 0 is the one that is counted and verified, and not timed. */
  sample(workload: Workload, candidate: string, round: number): Promise<Sample>
  stop(): Promise<void>
}
