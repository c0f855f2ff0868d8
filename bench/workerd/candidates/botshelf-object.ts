import { durableObject } from '../../../adapters/durable-object.ts'
import { open } from '../botshelf.ts'
import type { Candidate } from '../candidate.ts'

export const candidate: Candidate = {
  open: ({ BOT_STORAGE }, name) =>
    open([durableObject], 'DurableObject', { binding: BOT_STORAGE }, name),
}
