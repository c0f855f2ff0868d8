import { LOG_EXCERPT } from '../bot/excerpt.ts'
import { type LogEvent, readLog } from '../bot/irc-log.ts'
import type { BotClient } from './home.ts'
import { CALLED } from './places.ts'
import { count } from './words.ts'
import type { Report } from './work.ts'

/** Lets the bot at a place hear the log that comes with the page; resolves to a sentence. */
export async function replayExcerpt(home: BotClient, report: Report): Promise<string> {
  const events = await readExcerpt()
  await home.hear(events, LOG_EXCERPT.room, (heard) => report(heard, events.length))
  home.look()
  return `The bot heard ${count(events.length, 'event', 'events')} of ${LOG_EXCERPT.room} in ${CALLED[home.name]}.`
}

async function readExcerpt(): Promise<readonly LogEvent[]> {
  // From beside the page, wherever that is.
  const reply = await fetch(LOG_EXCERPT.path).catch(() => undefined)
  if (!reply?.ok) throw new Error('The log cannot be loaded. Are you online?')
  return [...readLog(await reply.text(), LOG_EXCERPT.midnight)]
}
