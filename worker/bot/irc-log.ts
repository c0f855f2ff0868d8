import type { MessageKind } from './message.ts'

/** An event of an IRC log. */
export interface LogEvent {
  /** The time, in milliseconds since 1970; a log is precise to the minute. */
  readonly at: number
  readonly kind: MessageKind
  readonly nick: string
  /** The text of a message or an action; for a change of nick, the new nick. */
  readonly text: string
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const MESSAGE = /^\[(\d\d):(\d\d)\] <([^ >]+)> ?(.*)$/
const ACTION = /^\[(\d\d):(\d\d)\] +\* (\S+) ?(.*)$/
const NICK_CHANGE = /^=== (\S+) is now known as (\S+)$/

/** Returns the midnight of the date in a file name such as `2007-10-24.train-c.txt`, in ms since 1970. */
export function logDate(fileName: string): number | undefined {
  const date = /(?:^|\D)(\d{4}-\d\d-\d\d)(?!\d)/.exec(fileName)?.[1]
  if (date === undefined) return undefined
  const midnight = Date.parse(`${date}T00:00:00Z`)
  // Some engines parse 31 February as a day in March.
  return new Date(midnight || 0).toISOString().startsWith(date) ? midnight : undefined
}

/**
 * Parses a log that began after `midnight` (in ms since 1970, UTC). A clock that goes back by more
 * than twelve hours has passed midnight. A change of nick has no time in the log and gets the time of
 * the line before it. Joins, topics and notices are skipped.
 */
export function* readLog(text: string, midnight: number): Generator<LogEvent, void, undefined> {
  let day = midnight
  let at = midnight
  for (const line of text.split(/\r?\n/)) {
    const change = NICK_CHANGE.exec(line)
    if (change !== null) {
      yield { at, kind: 'nick', nick: change[1] as string, text: change[2] as string }
      continue
    }
    const message = MESSAGE.exec(line)
    const found = message ?? ACTION.exec(line)
    if (found === null) continue
    const clock = (Number(found[1]) * 60 + Number(found[2])) * MINUTE_MS
    if (clock >= DAY_MS) continue
    if (day + clock < at - DAY_MS / 2) day += DAY_MS
    at = day + clock
    const kind = message === null ? 'action' : 'message'
    yield { at, kind, nick: found[3] as string, text: found[4] as string }
  }
}
