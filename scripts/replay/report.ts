import type { Knowledge } from '../../worker/bot/knowledge.ts'
import { busiestFirst, doing, showTime } from '../../worker/bot/seen.ts'

const MOST = 15
const WIDEST = 100

/** What the bot knows, for people: the top of each list. */
export function report({ factoids, seen }: Knowledge): string {
  const asked = [...factoids]
    .map(([name, factoid]) => ({ name, asked: factoid.asked }))
    .filter((factoid) => factoid.asked > 0)
    .toSorted((a, b) => b.asked - a.asked || (a.name < b.name ? -1 : 1))
  const sightings = [...seen.values()]
  const talkers = busiestFirst(sightings.filter(({ messages }) => messages > 0))
  const latest = sightings.toSorted((a, b) => b.at - a.at || (a.nick < b.nick ? -1 : 1))
  return [
    ...list(
      'Factoids asked for',
      asked.map((factoid) => `${pad(factoid.asked)}  ${factoid.name}`),
    ),
    ...list(
      'Busiest nicks, by messages',
      talkers.map(({ nick, messages }) => `${pad(messages)}  ${nick}`),
    ),
    ...list(
      'Last seen',
      latest.map((last) => `  ${showTime(last.at)}  ${last.nick}, ${doing(last)}`),
    ),
  ].join('\n')
}

function list(title: string, lines: readonly string[]): string[] {
  const rest = lines.length > MOST ? [`       ... and ${lines.length - MOST} more`] : []
  return ['', `${title} (${lines.length})`, ...lines.slice(0, MOST).map(clip), ...rest]
}

function pad(count: number): string {
  return String(count).padStart(6)
}

function clip(line: string): string {
  return line.length > WIDEST ? `${line.slice(0, WIDEST - 3)}...` : line
}
