import type { Bot } from './bot.ts'
import { callBot, type AdminAccess } from 'botshelf/admin'
import type { LogEvent } from './irc-log.ts'
import { splitIntoChunks } from 'botshelf/backup'

/** The largest number of events that a Worker accepts in one call. */
export const MAX_EVENTS_PER_CALL = 200
/** The largest body that a Worker accepts in one call, in bytes. */
export const MAX_CALL_BYTES: number = 256 * 1024

// Less than the limit, so that progress is visible and no call takes long.
const EVENTS_PER_CALL = 100

/**
 * Passes events to the bot one after another, each with its own time, and discards the replies. No
 * sender in a log has the admin token. An event that is replayed twice counts twice.
 *
 * @param onProgress receives the number of events replayed so far
 * @throws StoreError if the storage fails; the events before the failure were replayed
 */
export async function replayEvents(
  bot: Bot,
  events: readonly LogEvent[],
  room: string,
  onProgress: (count: number) => void = () => {},
): Promise<void> {
  for (const [index, event] of events.entries()) {
    await bot.handle({ ...event, room, identity: `irc:${event.nick}`, hasAdminToken: false })
    onProgress(index + 1)
  }
}

/**
 * Sends events to the bot of a Worker, at most 100 per call.
 *
 * @param onProgress receives the number of events replayed so far
 * @throws AdminError if a call fails; earlier calls were replayed, the failed one perhaps in part
 */
export async function sendEvents(
  access: AdminAccess,
  storage: string,
  events: readonly LogEvent[],
  room: string,
  onProgress: (count: number) => void = () => {},
): Promise<void> {
  let sent = 0
  const limits = { maxItems: EVENTS_PER_CALL, maxBytes: MAX_CALL_BYTES - 1024 }
  for (const part of splitIntoChunks(events, limits)) {
    await callBot(access, 'api/replay', { body: { storage, room, events: part } })
    sent += part.length
    onProgress(sent)
  }
}
