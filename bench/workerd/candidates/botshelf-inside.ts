import { durableObject } from '../../../adapters/durable-object.ts'
import { openBotshelf } from '../botshelf.ts'
import type { InsideCandidate } from '../candidate.ts'

export const candidate: InsideCandidate = {
  open: (storage, name) => openBotshelf([durableObject], 'DurableObject', { storage }, name),
}
