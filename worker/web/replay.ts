import { EXCERPT } from '../bot/excerpt.js'
import { type LogEvent, readLog } from '../bot/irc-log.js'
import type { Home } from './home.js'
import { CALLED } from './places.js'
import { count } from './words.js'
import type { Report } from './work.js'

/** Lets the bot at a place hear the log that comes with the page; resolves to a sentence. */
export async function replayExcerpt(home: Home, report: Report): Promise<string> {
  const events = await readExcerpt()
  await home.hear(events, EXCERPT.room, (heard) => report(heard, events.length))
  home.look()
  return `The bot heard ${count(events.length, 'event', 'events')} of ${EXCERPT.room} in ${CALLED[home.name]}.`
}

async function readExcerpt(): Promise<readonly LogEvent[]> {
  // From beside the page, wherever that is.
  const reply = await fetch(EXCERPT.path).catch(() => undefined)
  if (!reply?.ok) throw new Error('The log cannot be loaded. Are you online?')
  return [...readLog(await reply.text(), EXCERPT.midnight)]
}
