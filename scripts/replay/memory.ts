import { memory } from '../../adapters/memory.ts'
import { StorageRuntime } from '../../src/index.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { hear } from './hear.ts'

/** Lets a new bot in this process hear the events; resolves to what it then knows. */
export async function replayInMemory(
  events: readonly LogEvent[],
  room: string,
  onHeard?: (count: number) => void,
): Promise<Knowledge> {
  await using runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  return await hear(runtime, 'Memory', events, room, onHeard)
}
