import { durableObject } from '../../../adapters/durable-object.ts'
import { openBotshelf } from '../botshelf.ts'
import type { Candidate } from '../candidate.ts'

export const candidate: Candidate = {
  open: ({ BOT_STORAGE }, name) =>
    openBotshelf([durableObject], 'DurableObject', { binding: BOT_STORAGE }, name),
}
