import { botshelf } from '../botshelf.ts'

export const contender = botshelf('relaxed')
