import { decode } from '../../src/codec.ts'
import { remoteTarget } from '../../src/admin/remote-target.ts'
import type { BackupTarget } from '../../src/backup/target.ts'
import type { AdminAccess } from '../../src/admin/index.ts'
import type { Factoid } from '../../worker/bot/factoids.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { sendEvents } from '../../worker/bot/replay-events.ts'
import type { Sighting } from '../../worker/bot/seen.ts'

/** Replays events to the bot of a Worker; resolves to its knowledge. */
export async function replayThroughWorker(
  events: readonly LogEvent[],
  room: string,
  worker: AdminAccess,
  storage: string,
  onProgress?: (count: number) => void,
): Promise<Knowledge> {
  await sendEvents(worker, storage, events, room, onProgress)
  const target = remoteTarget({ ...worker, storage })
  return {
    factoids: await readAll<Factoid>(target, 'Factoids'),
    seen: await readAll<Sighting>(target, 'Seen'),
  }
}

async function readAll<V>(target: BackupTarget, namespace: string): Promise<Map<string, V>> {
  const entries = await target.entries(namespace)
  return new Map([...entries].map(([key, { value }]) => [key, decode(value) as V]))
}
