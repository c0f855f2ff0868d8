import type { Bot } from './bot.ts'
import { callBot, type AdminAccess } from 'botshelf/admin'
import type { LogEvent } from './irc-log.ts'
import { splitIntoChunks } from 'botshelf/backup'

/** The most events that a Worker takes in one call. */
export const MOST_EVENTS = 200
/** The most bytes that a Worker takes in one call. */
export const MOST_EVENT_BYTES: number = 256 * 1024

// Fewer than a Worker takes, so that progress shows and no call takes long.
const AT_ONCE = 100

/**
 * Lets the bot hear the events, each at its own time, one after another. What it answers is said to
 * nobody, and nobody in a log is the operator. Events heard twice count twice. `onHeard` gets how
 * many were heard so far.
 *
 * @throws StoreError what the storage says; the events before are heard
 */
export async function hearAll(
  bot: Bot,
  events: readonly LogEvent[],
  room: string,
  onHeard: (count: number) => void = () => {},
): Promise<void> {
  for (const [index, event] of events.entries()) {
    await bot.handle({ ...event, room, identity: `irc:${event.nick}`, operator: false })
    onHeard(index + 1)
  }
}

/**
 * Lets the bot of a Worker hear the events, at most 100 a call. `onHeard` gets how many were heard
 * so far.
 *
 * @throws AdminError the calls before are heard, and the one that failed may be, in part
 */
export async function sendAll(
  access: AdminAccess,
  storage: string,
  events: readonly LogEvent[],
  room: string,
  onHeard: (count: number) => void = () => {},
): Promise<void> {
  let heard = 0
  const bounds = { maxItems: AT_ONCE, maxBytes: MOST_EVENT_BYTES - 1024 }
  for (const part of splitIntoChunks(events, bounds)) {
    await callBot(access, 'api/replay', { body: { storage, room, events: part } })
    heard += part.length
    onHeard(heard)
  }
}
