import type { Database } from '../task.ts'

/** A store in this process that copies the values it receives and returns. */
export interface Candidate {
  open(name: string): Promise<Database>
}
