import { durableObject } from '../../../adapters/durable-object.ts'
import { open } from '../botshelf.ts'
import type { Contender } from '../contender.ts'

export const contender: Contender = {
  open: ({ BOT_STORAGE }, name) =>
    open([durableObject], 'DurableObject', { binding: BOT_STORAGE }, name),
}
