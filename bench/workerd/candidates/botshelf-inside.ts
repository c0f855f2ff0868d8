import { durableObject } from '../../../adapters/durable-object.ts'
import { open } from '../botshelf.ts'
import type { InsideCandidate } from '../candidate.ts'

export const candidate: InsideCandidate = {
  open: (storage, name) => open([durableObject], 'DurableObject', { storage }, name),
}
