import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { sortByMessages, describeActivity, formatTime } from '../../worker/bot/seen.ts'

const MAX_ROWS = 15
const MAX_COLUMNS = 100

/** Formats the top of each list for a reader. */
export function formatReport({ factoids, seen }: Knowledge): string {
  const asked = [...factoids]
    .map(([name, factoid]) => ({ name, asked: factoid.asked }))
    .filter((factoid) => factoid.asked > 0)
    .toSorted((a, b) => b.asked - a.asked || (a.name < b.name ? -1 : 1))
  const sightings = [...seen.values()]
  const talkers = sortByMessages(sightings.filter(({ messages }) => messages > 0))
  const latest = sightings.toSorted((a, b) => b.at - a.at || (a.nick < b.nick ? -1 : 1))
  return [
    ...list(
      'Requested factoids',
      asked.map((factoid) => `${pad(factoid.asked)}  ${factoid.name}`),
    ),
    ...list(
      'Busiest nicks, by messages',
      talkers.map(({ nick, messages }) => `${pad(messages)}  ${nick}`),
    ),
    ...list(
      'Last seen',
      latest.map((last) => `  ${formatTime(last.at)}  ${last.nick}, ${describeActivity(last)}`),
    ),
  ].join('\n')
}

function list(title: string, lines: readonly string[]): string[] {
  const rest = lines.length > MAX_ROWS ? [`       ... and ${lines.length - MAX_ROWS} more`] : []
  return ['', `${title} (${lines.length})`, ...lines.slice(0, MAX_ROWS).map(clip), ...rest]
}

function pad(count: number): string {
  return String(count).padStart(6)
}

function clip(line: string): string {
  return line.length > MAX_COLUMNS ? `${line.slice(0, MAX_COLUMNS - 3)}...` : line
}
