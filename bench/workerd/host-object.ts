import { DurableObject } from 'cloudflare:workers'
import type { Answer, Assignment } from './assignment.ts'
import type { InsideContender } from './contender.ts'
import { contender as botshelf } from './contenders/botshelf-inside.ts'
import { contender as kvLoop } from './contenders/kv-loop.ts'
import { contender as putGet } from './contenders/put-get.ts'
import { perform } from './perform.ts'

/** Those who run inside an object. */
export const INSIDE: Readonly<Record<string, InsideContender>> = {
  'botshelf-inside': botshelf,
  'kv-loop': kvLoop,
  'put-get': putGet,
}

/** An object inside which a contender runs; one message lasts for the whole assignment. */
export class HostObject extends DurableObject {
  async perform(assignment: Assignment): Promise<Answer> {
    const contender = INSIDE[assignment.contender]
    if (contender === undefined) throw new RangeError(`There is no ${assignment.contender}.`)
    return perform(assignment, () => contender.open(this.ctx.storage, assignment.database))
  }
}
