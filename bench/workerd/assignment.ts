import type { Task } from '../task.ts'

/** What a Worker is asked to do. */
export interface Assignment {
  readonly candidate: string
  readonly database: string
  readonly task: Task
  /** `fill` stores what the task presupposes; `verify` does it once, counts, and looks at everything. */
  readonly phase: 'fill' | 'verify' | 'run'
  /** How often `run` does it: a Worker's clock stands still, so only the whole request can be timed. */
  readonly repeat: number
  readonly seed: number
}

export interface Answer {
  readonly calls?: Readonly<Record<string, number>>
  readonly lost?: number
}
