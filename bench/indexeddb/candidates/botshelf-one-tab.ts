import { botshelf } from '../botshelf.ts'

export const candidate = botshelf('relaxed')
