import { DurableObject } from 'cloudflare:workers'
import type { Assignment, AssignmentResult } from './assignment.ts'
import type { InsideCandidate } from './candidate.ts'
import { candidate as botshelf } from './candidates/botshelf-inside.ts'
import { candidate as kvLoop } from './candidates/kv-loop.ts'
import { candidate as putGet } from './candidates/put-get.ts'
import { perform } from './perform.ts'

/** The candidates that run inside an object. */
export const INSIDE_CANDIDATES: Readonly<Record<string, InsideCandidate>> = {
  'botshelf-inside': botshelf,
  'kv-loop': kvLoop,
  'put-get': putGet,
}

/** An object that runs a candidate. One message runs the whole assignment. */
export class HostObject extends DurableObject {
  async perform(assignment: Assignment): Promise<AssignmentResult> {
    const candidate = INSIDE_CANDIDATES[assignment.candidate]
    if (candidate === undefined) throw new RangeError(`Unknown candidate ${assignment.candidate}.`)
    return perform(assignment, () => candidate.open(this.ctx.storage, assignment.database))
  }
}
