import { decode } from '../../src/codec.ts'
import { remoteTarget } from '../../src/admin/remote-target.ts'
import type { BackupTarget } from '../../src/backup/target.ts'
import type { AdminAccess } from '../../src/admin/index.ts'
import type { Factoid } from '../../worker/bot/factoids.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { sendAll } from '../../worker/bot/replay.ts'
import type { Sighting } from '../../worker/bot/seen.ts'

/** Lets the bot of a Worker hear the events; resolves to what it then knows. */
export async function replayThroughWorker(
  events: readonly LogEvent[],
  room: string,
  worker: AdminAccess,
  storage: string,
  onHeard?: (count: number) => void,
): Promise<Knowledge> {
  await sendAll(worker, storage, events, room, onHeard)
  const place = remoteTarget({ ...worker, storage })
  return {
    factoids: await readAll<Factoid>(place, 'Factoids'),
    seen: await readAll<Sighting>(place, 'Seen'),
  }
}

async function readAll<V>(place: BackupTarget, namespace: string): Promise<Map<string, V>> {
  const entries = await place.entries(namespace)
  return new Map([...entries].map(([key, { value }]) => [key, decode(value) as V]))
}
