import type { Sample } from '../task.ts'
import type { Workload } from '../workload.ts'

/** Where contenders run, started once for a group of workloads. */
export interface Engine {
  /** Takes one sample. Round 0 is the one that is counted and verified, and not timed. */
  sample(workload: Workload, contender: string, round: number): Promise<Sample>
  stop(): Promise<void>
}
