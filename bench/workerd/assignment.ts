import type { Sample, Task } from '../task.ts'

/** A request to the benchmark Worker. */
export interface Assignment {
  readonly candidate: string
  readonly database: string
  readonly task: Task
  /**
   * `fill` stores the keys that the task needs. `verify` runs the task once, counts calls and
   * verifies all content. `run` is timed. `clients` sends `client` for each operation, at once.
   */
  readonly phase: 'fill' | 'verify' | 'run' | 'clients' | 'client'
  /** How often `run` repeats the task. A Worker's clock stops, so the whole request is timed. */
  readonly repeat: number
  readonly seed: number
}

/** The response of the benchmark Worker. */
export type AssignmentResult = Partial<Sample>
