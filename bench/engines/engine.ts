import type { Sample } from '../task.ts'
import type { Workload } from '../workload.ts'

/** Runs the candidates of a group of workloads. */
export interface Engine {
  /** Takes one sample. Round 0 fills the database, verifies and counts; it is not timed. */
  sample(workload: Workload, candidate: string, round: number): Promise<Sample>
  stop(): Promise<void>
}
