import { memory } from '../../adapters/memory.ts'
import { StorageRuntime } from '../../src/index.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { replayOn } from './replay-on.ts'

/** Replays events to a new bot in this process; resolves to its knowledge. */
export async function replayInMemory(
  events: readonly LogEvent[],
  room: string,
  onProgress?: (count: number) => void,
): Promise<Knowledge> {
  await using runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  return await replayOn(runtime, 'Memory', events, room, onProgress)
}
