import type { StorageRuntime } from '../../src/index.ts'
import { Bot } from '../../worker/bot/bot.ts'
import type { Factoid } from '../../worker/bot/factoids.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { replayEvents } from '../../worker/bot/replay-events.ts'
import type { Sighting } from '../../worker/bot/seen.ts'

/** Replays events to a new bot on a runtime; resolves to its knowledge. */
export async function replayOn(
  runtime: StorageRuntime,
  storage: string,
  events: readonly LogEvent[],
  room: string,
  onProgress?: (count: number) => void,
): Promise<Knowledge> {
  const bot = await Bot.start(runtime, { storage: { name: storage } })
  await replayEvents(bot, events, room, onProgress)
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
