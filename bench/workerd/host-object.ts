import { DurableObject } from 'cloudflare:workers'
import type { Answer, Assignment } from './assignment.ts'
import type { InsideCandidate } from './candidate.ts'
import { candidate as botshelf } from './candidates/botshelf-inside.ts'
import { candidate as kvLoop } from './candidates/kv-loop.ts'
import { candidate as putGet } from './candidates/put-get.ts'
import { perform } from './perform.ts'

/** Those who run inside an object. */
export const INSIDE: Readonly<Record<string, InsideCandidate>> = {
  'botshelf-inside': botshelf,
  'kv-loop': kvLoop,
  'put-get': putGet,
}

/** An object inside which a candidate runs; one message lasts for the whole assignment. */
export class HostObject extends DurableObject {
  async perform(assignment: Assignment): Promise<Answer> {
    const candidate = INSIDE[assignment.candidate]
    if (candidate === undefined) throw new RangeError(`There is no ${assignment.candidate}.`)
    return perform(assignment, () => candidate.open(this.ctx.storage, assignment.database))
  }
}
