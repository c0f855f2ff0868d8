import type { MessageKind } from './message.ts'

/** One line of a log: what happened, who did it and when. */
export interface LogEvent {
  /** In milliseconds since 1970; a log tells minutes. */
  readonly at: number
  readonly kind: MessageKind
  readonly nick: string
  /** What was said or done; for a change of nick, the new nick. */
  readonly text: string
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const MESSAGE = /^\[(\d\d):(\d\d)\] <([^ >]+)> ?(.*)$/
const ACTION = /^\[(\d\d):(\d\d)\] +\* (\S+) ?(.*)$/
const NICK_CHANGE = /^=== (\S+) is now known as (\S+)$/

/** The date in a log's name, `2007-10-24.train-c.txt`, as its midnight; `undefined` without one. */
export function logDate(fileName: string): number | undefined {
  const date = /(?:^|\D)(\d{4}-\d\d-\d\d)(?!\d)/.exec(fileName)?.[1]
  if (date === undefined) return undefined
  const midnight = Date.parse(`${date}T00:00:00Z`)
  // Date.parse takes 31 February for March in some engines.
  return new Date(midnight || 0).toISOString().startsWith(date) ? midnight : undefined
}

/**
 * Reads a log, from the midnight it began after. Times are UTC. A clock that goes back by more than
 * twelve hours has passed midnight. A change of nick has no time of its own: it has that of the
 * line before. Joins, topics and notices are left out.
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
    const clock = (Number(found[1]) * 60 + Number(found[2])) * MINUTE
    if (clock >= DAY) continue
    if (day + clock < at - DAY / 2) day += DAY
    at = day + clock
    const kind = message === null ? 'action' : 'message'
    yield { at, kind, nick: found[3] as string, text: found[4] as string }
  }
}
