import { durableObject } from '../../../adapters/durable-object.ts'
import { open } from '../botshelf.ts'
import type { InsideContender } from '../contender.ts'

export const contender: InsideContender = {
  open: (storage, name) => open([durableObject], 'DurableObject', { storage }, name),
}
