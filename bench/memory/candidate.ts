import type { Database } from '../task.ts'

/** A store in this process, whose values are its own: whoever changes what he handed in changes nothing. */
export interface Candidate {
  open(name: string): Promise<Database>
}
