import type { AdminHandlerOptions } from '../../../src/admin/index.ts'
import type { Store } from '../../../src/index.ts'
import { type MemoryBot, startMemoryBot } from './memory-bot.ts'

/** A {@link MemoryBot} with entries that people and programs see differently. */
export interface SeededBot extends MemoryBot {
  /** Opens a namespace of the bot. */
  open(namespace: string): Promise<Store>
  /** Resolves to all entries of a namespace. */
  contents(namespace: string): Promise<Readonly<Record<string, unknown>>>
}

/** Starts a bot with the entries of `Karma`. */
export async function startSeededBot(options?: Partial<AdminHandlerOptions>): Promise<SeededBot> {
  const bot = await startMemoryBot(options)
  const open = (namespace: string): Promise<Store> => bot.runtime.open(namespace)
  const seeded = {
    ...bot,
    open,
    async contents(namespace: string) {
      await using store = await open(namespace)
      const entries: Record<string, unknown> = {}
      for await (const [key, value] of store.entries()) entries[key] = value
      return entries
    },
  }
  await using karma = await open('Karma')
  await karma.setMany({ ann: 7, ben: 2 })
  return seeded
}
