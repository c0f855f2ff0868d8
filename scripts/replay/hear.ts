import type { StorageRuntime } from '../../src/index.ts'
import { Bot } from '../../worker/bot/bot.ts'
import type { Factoid } from '../../worker/bot/factoids.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { hearAll } from '../../worker/bot/replay.ts'
import type { Sighting } from '../../worker/bot/seen.ts'

/** Lets a bot on a runtime hear the events; resolves to what it then knows. */
export async function hear(
  runtime: StorageRuntime,
  storage: string,
  events: readonly LogEvent[],
  room: string,
  onHeard?: (count: number) => void,
): Promise<Knowledge> {
  const bot = await Bot.start(runtime, { storage: { name: storage } })
  await hearAll(bot, events, room, onHeard)
  return {
    factoids: await readAll<Factoid>(runtime, 'Factoids'),
    seen: await readAll<Sighting>(runtime, 'Seen'),
  }
}

async function readAll<V>(runtime: StorageRuntime, namespace: string): Promise<Map<string, V>> {
  await using store = await runtime.open<Record<string, V>>(namespace)
  const all = new Map<string, V>()
  for await (const [key, value] of store) all.set(key, value)
  return all
}
